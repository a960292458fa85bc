import json
import signal
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.roles import role_of
from config.errors import Rejected
from jobs import services as jobs
from jobs.models import Job
from retrieval.management.commands import demo as command
from retrieval.models import Dataset, Experiment
from retrieval.pages import demo
from tests.retrieval.pictures import write_folder
from tests.retrieval.world import World, started

pytestmark = pytest.mark.django_db


def test_accounts_are_made_once_and_their_passwords_said_again() -> None:
    Path(settings.VAR_DIR).mkdir()
    first = demo.make_accounts()
    assert demo.make_accounts() == first and set(first) == set(demo.PEOPLE)
    for email, role in demo.PEOPLE.items():
        user = User.objects.get(email=email)
        assert role_of(user) == role and user.check_password(first[email])
    assert (Path(settings.VAR_DIR) / "demo_accounts.json").stat().st_mode & 0o777 == 0o600


def test_data_are_imported_once_and_again_after_a_failure(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "my_birds", {"a": 2, "b": 2})
    dataset = demo.import_data(str(folder))
    assert dataset.name == "my birds" and not dataset.public
    assert demo.import_data(str(folder)) == dataset and Job.objects.count() == 1
    jobs.request_cancel(dataset.job)
    assert demo.import_data(str(folder)).job.state == "queued"
    assert demo.import_data(demo.WINGS).public and Dataset.objects.count() == 2


def test_data_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="cannot be read"):
        demo.import_data(str(tmp_path / "nothing"))


def test_a_training_is_started_once_and_taken_up_where_it_was_cut_off(world: World) -> None:
    experiment = demo.start_training(world.dataset, "")
    assert experiment.runs.count() == len(demo.LOSSES)
    jobs.request_cancel(experiment.runs.all()[0].job)
    assert demo.start_training(world.dataset, "") == experiment and Experiment.objects.count() == 2
    assert {run.job.state for run in experiment.runs.all()} == {"queued"}


def test_a_training_can_be_told_how_long_to_take(world: World) -> None:
    experiment = demo.start_training(world.dataset, "", epochs=2)
    assert (experiment.protocol["epochs"], experiment.protocol["name"]) == (2, "demo (changed)")
    assert demo.start_training(world.dataset, "") == experiment


@pytest.mark.parametrize("epochs", [0, -1])
def test_a_training_that_would_not_begin_is_refused(world: World, epochs: int) -> None:
    with pytest.raises(Rejected, match="epochs"):
        demo.start_training(world.dataset, "", epochs=epochs)
    assert Experiment.objects.count() == 1


def test_an_experiment_is_served_when_each_run_has_an_active_index(world: World) -> None:
    experiment = Experiment.objects.get()
    assert demo.is_served(experiment)
    assert [job.kind for job in demo.jobs_of(experiment)] == ["train", "train", "index", "index"]
    world.models[0].indexes.update(active=False)
    assert not demo.is_served(experiment)
    assert not demo.is_served(started(world.dataset))


def test_ones_own_pictures_are_not_taken_for_the_drawn_ones(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "wings_of_my_garden", {"a": 2, "b": 2})
    dataset = demo.import_data(str(folder))
    assert dataset.name == "wings of my garden" and not dataset.public
    elsewhere = write_folder(tmp_path / "elsewhere" / "wings_of_my_garden", {"a": 2, "b": 2})
    with pytest.raises(Rejected, match="choose another"):
        demo.import_data(str(elsewhere))


def test_an_index_that_failed_is_built_again_at_the_next_start(world: World) -> None:
    experiment = demo.start_training(world.dataset, "")
    run = experiment.runs.all()[0]
    failed = jobs.submit("index", {"model": world.models[0].pk, "dataset": world.dataset.pk})
    Job.objects.filter(pk=failed.pk).update(state="failed", finished_at=timezone.now())
    Job.objects.filter(pk=run.job.pk).update(
        state="succeeded", finished_at=timezone.now(), result={"index_job": failed.pk}
    )
    demo.start_training(world.dataset, "")
    failed.refresh_from_db()
    assert failed.state == "queued"


def small_weights(folder: Path) -> str:
    file = folder / "small.safetensors"
    file.write_bytes(b"weights")
    about = {"architecture": "mobilenetv2_100", "mean": [0.5] * 3, "std": [0.5] * 3}
    file.with_suffix(".json").write_text(json.dumps(about))
    return demo.take_weights(str(file))


def test_weights_train_heads_beside_their_baselines(world: World, tmp_path: Path) -> None:
    experiment = demo.start_training(world.dataset, small_weights(tmp_path))
    assert experiment.name == "frozen-features on Wings" and experiment.protocol["trains"] == "head"
    assert [run.loss for run in experiment.runs.all()] == [
        "soft_triple",
        "multi_similarity",
        "untrained",
        "half_whitened_pca",
    ]


def test_a_set_too_small_for_a_pca_gets_fewer_dimensions(world: World, tmp_path: Path) -> None:
    assert world.dataset.report["train_images"] == 24
    name = small_weights(tmp_path)
    protocol = demo.start_training(world.dataset, name, epochs=2).protocol
    assert (protocol["head_init"], protocol["dim"], protocol["epochs"]) == ("half-whitened-pca", 23, 2)
    world.dataset.report["train_images"] = 2
    Experiment.objects.filter(weights=name).update(name="another")
    assert demo.start_training(world.dataset, name).protocol["head_init"] == "random"


def test_without_packaged_weights_a_small_network_learns_from_scratch(world: World) -> None:
    experiment = demo.start_training(world.dataset, "")
    assert (experiment.name, experiment.protocol["weights"], experiment.runs.count()) == ("demo on Wings", "scratch", 2)


def test_weights_of_the_hub_have_an_experiment_each(world: World) -> None:
    names = ("hub:resnet50", "hub:efficientnet_b0.ra_in1k", "hub:resnet50")
    first, second, again = (demo.start_training(world.dataset, demo.take_weights(name)) for name in names)
    assert first == again != second and {first.weights, second.weights} == {""}
    assert [row.protocol["weights"] for row in (first, second)] == ["hub", "hub:ra_in1k"]
    assert second.name == "frozen-features on Wings from efficientnet_b0.ra_in1k"


def test_without_a_name_the_packaged_weights_are_taken() -> None:
    assert demo.take_weights("") == "efficientnet_lite0.imagenet.safetensors"


def test_an_earlier_demo_stays_when_a_newer_one_starts_beside_it(world: World, tmp_path: Path) -> None:
    earlier = demo.start_training(world.dataset, "")
    states = [run.job.state for run in earlier.runs.all()]
    later = demo.start_training(world.dataset, small_weights(tmp_path))
    assert later != earlier and [run.job.state for run in earlier.runs.all()] == states


def test_the_demo_ends_and_says_which_process_ended(tmp_path: Path, settings: Settings) -> None:
    settings.BASE_DIR = tmp_path
    (tmp_path / "Procfile").write_text("work: sleep 60\ntrain: sleep 0.2\n")
    with pytest.raises(CommandError, match="train ended by itself; see .*train.log"), command._processes(8000):
        time.sleep(30)
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
