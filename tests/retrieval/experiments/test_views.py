import re

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from retrieval.models import Experiment, Model
from tests.retrieval.world import World, started

pytestmark = pytest.mark.django_db


def page(client: Client, name: str, *args: object) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200, answer
    return answer.content.decode()


def form(world: World, **changes: object) -> dict[str, object]:
    values = {"name": "Mine", "dataset": world.dataset.pk, "preset": "demo", "losses": ["soft_triple"], "seeds": "0"}
    return values | changes


def test_the_lab_shows_everything_there_is(curator_client: Client, world: World) -> None:
    text = page(curator_client, "lab")
    assert all(name in text for name in ("Wings", "Small", "SoftTriple", "Multi-Similarity"))
    assert reverse("model", args=[world.models[0].pk]) in text


def test_an_empty_lab_has_a_page_too(curator_client: Client) -> None:
    page(curator_client, "lab")


@pytest.mark.parametrize("name", ["lab", "experiment-new", "experiment", "experiment-runs", "model"])
def test_the_lab_is_for_curators(client: Client, member_client: Client, world: World, name: str) -> None:
    args = [] if name in ("lab", "experiment-new") else [1]
    address = reverse(name, args=args)
    answer = client.get(address)
    assert answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
    assert member_client.get(address).status_code == 403


@pytest.mark.parametrize("name", ["experiment", "experiment-runs", "model"])
def test_what_is_not_there_is_not_found(curator_client: Client, world: World, name: str) -> None:
    assert curator_client.get(reverse(name, args=[10**12])).status_code == 404


# --- a new experiment


def test_the_form_offers_every_loss_with_its_words(curator_client: Client, world: World) -> None:
    text = page(curator_client, "experiment-new")
    assert "SoftTriple" in text and "Half-whitened PCA" in text and "Qian" in text and "fine-tune-small" in text


def test_the_form_proposes_the_rows_that_are_not_trained(curator_client: Client, world: World) -> None:
    boxes = re.findall(r'name="losses" value="(\w+)"( checked)?', page(curator_client, "experiment-new"))
    assert [name for name, ticked in boxes if ticked] == ["untrained", "half_whitened_pca"]


def test_the_form_starts_trainings(curator_client: Client, world: World) -> None:
    answer = curator_client.post(
        reverse("experiment-new"), form(world, losses=["soft_triple", "untrained"], seeds="0, 1")
    )
    experiment = Experiment.objects.get(name="Mine")
    assert answer["Location"] == reverse("experiment", args=[experiment.pk])
    assert experiment.runs.count() == 3 and not experiment.publish  # the box was not ticked
    assert Job.objects.filter(state="queued", kind="train").count() == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "This field is required"),
        ({"dataset": "999999"}, "Select a valid choice"),
        ({"dataset": "x"}, "Select a valid choice"),
        ({"preset": "nothing"}, "Select a valid choice"),
        ({"losses": ["nothing"]}, "Select a valid choice"),
        ({"losses": []}, "This field is required"),
        ({"seeds": "one"}, "whole numbers"),
        ({"seeds": "-1"}, "whole numbers"),
        ({"seeds": " ".join(map(str, range(21)))}, "Give 1 to 20"),
        ({"seeds": "9" * 5000}, "whole numbers"),
        ({"weights": "nothing.safetensors"}, "Select a valid choice"),
    ],
)
def test_a_wrong_form_is_explained_and_starts_nothing(
    curator_client: Client, world: World, change: dict[str, object], sentence: str
) -> None:
    answer = curator_client.post(reverse("experiment-new"), form(world, **change))
    assert answer.status_code == 400 and sentence in answer.content.decode()
    assert Experiment.objects.count() == 1 and not Job.objects.filter(state="queued").exists()


# --- an experiment


def test_an_experiment_shows_its_runs_and_protocol(curator_client: Client, world: World) -> None:
    text = page(curator_client, "experiment", Experiment.objects.get().pk)
    assert "SoftTriple" in text and "resnet10t" in text and "succeeded" in text


def test_the_polled_part_stops_when_all_runs_ended(curator_client: Client, world: World) -> None:
    finished = reverse("experiment-runs", args=[Experiment.objects.get().pk])
    assert curator_client.get(finished).status_code == 286
    experiment = started(world.dataset)
    working = curator_client.get(reverse("experiment-runs", args=[experiment.pk]))
    assert working.status_code == 200 and "<html" not in working.content.decode()
    cancel = reverse("cancel_job", args=[experiment.runs.all()[0].job_id])
    assert cancel in working.content.decode()
    curator_client.post(cancel)
    text = curator_client.get(reverse("experiment-runs", args=[experiment.pk])).content.decode()
    assert reverse("retry_job", args=[experiment.runs.all()[0].job_id]) in text


def test_a_run_whose_job_is_cleared_away_is_still_shown(curator_client: Client, world: World) -> None:
    experiment = started(world.dataset)
    Job.objects.all().delete()
    assert "cancelled" in page_of_runs(curator_client, experiment)
    assert "succeeded" in page_of_runs(curator_client, Experiment.objects.order_by("pk")[0])


def page_of_runs(client: Client, experiment: Experiment) -> str:
    return client.get(reverse("experiment-runs", args=[experiment.pk])).content.decode()


# --- a model


def test_a_model_shows_its_figures_and_indexes(curator_client: Client, world: World) -> None:
    model = world.models[0]
    text = page(curator_client, "model", model.pk)
    assert "SoftTriple" in text and "serving" in text
    assert f'action="{reverse("model-publish", args=[model.pk])}"' in text


def test_recall_is_shown_at_the_ks_that_were_measured(curator_client: Client, world: World) -> None:
    text = page(curator_client, "model", world.models[0].pk)
    assert all(f"<dt>Recall@{k}</dt>" in text for k in (1, 2, 4, 8)) and "of a gallery of" not in text
    run = world.models[0].run
    assert run.metrics is not None
    run.metrics |= {"recall_at": {"1": 0.25, "1000": 0.9375, "10": 0.5}, "queries": 14218, "gallery": 12612}
    run.save()
    text = page(curator_client, "model", world.models[0].pk)
    assert "<dt>Recall@1000</dt><dd>93.8</dd>" in text and "Recall@8" not in text
    assert text.index("Recall@10<") < text.index("Recall@1000<") and "of a gallery of 12612" in text
    assert '93.8 <span class="hint">@1000</span>' in page(curator_client, "experiment", run.experiment.pk)


def test_a_curator_withdraws_and_publishes_a_model(curator_client: Client, member_client: Client, world: World) -> None:
    model = world.models[0]
    address = reverse("model-publish", args=[model.pk])
    assert member_client.post(address).status_code == 403
    for published in (False, True):
        assert curator_client.post(address)["Location"] == reverse("model", args=[model.pk])
        model.refresh_from_db()
        assert model.published is published


def test_publishing_without_an_index_is_explained(curator_client: Client, world: World) -> None:
    model = world.models[0]
    Model.objects.update(published=False)
    model.indexes.update(active=False)
    answer = curator_client.post(reverse("model-publish", args=[model.pk]), follow=True)
    assert "no active index yet" in answer.content.decode()
    assert not Model.objects.filter(published=True).exists()
