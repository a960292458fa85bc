from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import AuditEntry, User
from config.errors import Rejected
from jobs.models import Job
from retrieval.experiments.services import reports
from retrieval.models import Dataset, Experiment, Model
from retrieval.registry.services import external_models as services
from retrieval.registry.services.visibility import set_published
from retrieval.search.services.run_search import run_search, searchable_models, skipped_models, system_search
from tests.retrieval.pictures import jpeg
from tests.retrieval.registry.external_files import described, embeddings, network
from tests.retrieval.world import World, done, failed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("children_here")]


def uploads() -> list[Path]:
    folder = Path(settings.MEDIA_ROOT) / "uploads"
    return list(folder.glob("model-*")) if folder.exists() else []


def added(dataset: Dataset, files: dict[str, SimpleUploadedFile], *, name: str = "", by: User | None = None) -> Model:
    """Import a model and index it."""
    result = done(services.submit_model(dataset=dataset, name=name, **files, by=by)).result
    done(Job.objects.get(pk=result["index_job"]))
    return Model.objects.get(pk=result["model"])


def test_a_network_is_tried_measured_listed_and_indexed(world: World, curator: User, tmp_path: Path) -> None:
    model = added(world.dataset, network(tmp_path, name="Fields", licence="MIT"), by=curator)
    assert (model.name, model.licence, model.run, model.loss, model.dim) == ("Fields", "MIT", None, "", 5)
    assert model.metrics is not None and 0 <= model.metrics["map_at_r"] <= 1 and model.has_network
    assert not model.published and model.indexes.get(active=True).count == world.dataset.images.count()
    assert not uploads(), "what was taken in is not kept twice"
    assert AuditEntry.objects.get(who=curator).action == "add-model"
    set_published(model, True)
    able = [*world.models, model]
    assert set(searchable_models(world.dataset)) == set(able)
    search = run_search(datasets=[world.dataset], models=able, k=3, by=curator, upload=jpeg())
    assert search.rankings.count() == 3 and skipped_models(search, able) == []


def test_a_name_that_is_asked_for_wins_over_the_files(world: World, tmp_path: Path) -> None:
    assert added(world.dataset, network(tmp_path, name="Fields"), name=" My\u0000\nnet ").name == "My net"


def test_embeddings_answer_for_pictures_of_the_gallery_only(world: World, curator: User) -> None:
    model = added(world.dataset, embeddings(world.dataset))
    assert model.name == "theirs" and not model.has_network and model.metrics is not None
    set_published(model, True)
    picture = world.test_images[0]
    ranking = run_search(datasets=[world.dataset], models=[model], k=3, by=curator, image=picture).rankings.get()
    assert len(ranking.image_ids) == 3 and picture.pk not in ranking.image_ids
    with pytest.raises(Rejected, match="theirs: embeddings without their network, which cannot embed a new picture"):
        run_search(datasets=[world.dataset], models=[model], k=3, by=curator, upload=jpeg())
    both = [world.models[0], model]
    search = run_search(datasets=[world.dataset], models=both, k=3, by=curator, upload=jpeg())
    assert [ranking.model for ranking in search.rankings.all()] == [world.models[0]]
    assert skipped_models(search, both) == [model]
    blind = system_search(picture, list(searchable_models(world.dataset)), 4)
    assert blind.rankings.count() == 3, "a blind ballot asks with a picture of the gallery"


def test_embeddings_are_skipped_for_a_picture_of_another_data_set(world: World, curator: User) -> None:
    model = added(world.dataset, embeddings(world.dataset))
    set_published(model, True)
    picture = world.another().images.first()
    both = [world.models[0], model]
    search = run_search(datasets=[world.dataset], models=both, k=3, by=curator, image=picture)
    assert [ranking.model for ranking in search.rankings.all()] == [world.models[0]]
    assert skipped_models(search, both) == [model]
    with pytest.raises(Rejected, match="theirs has no network and no index of that picture's data set"):
        run_search(datasets=[world.dataset], models=[model], k=3, by=curator, image=picture)


def test_an_external_model_is_a_row_of_a_report(world: World) -> None:
    model = added(world.dataset, embeddings(world.dataset), name="Theirs & co")
    experiment = Experiment.objects.get()
    done(reports.submit_report(experiment, included=[model.pk], by=None))
    document = reports.document_of(experiment)
    assert document is not None
    titles = [row["title"] for row in document["rows"]]
    assert "Theirs & co (external)" in titles and len(titles) == 3
    assert next(one for one in document["fairness_checks"] if one["name"].startswith("different backbones"))["violated"]
    job = reports.submit_report(experiment, included=[model.pk], by=None)
    assert reports.included_in(job) == [model.pk] and reports.included_in(None) == []
    Job.objects.filter(pk=job.pk).update(payload={"experiment": experiment.pk, "also": [model.pk]})  # of release 0.1
    job.refresh_from_db()
    assert reports.included_in(job) == [model.pk]
    done(job)
    again = reports.document_of(experiment)
    assert again is not None and len(again["rows"]) == 3
    for other in (world.models[0].pk, 10**9):
        with pytest.raises(Rejected, match=f"model {other} is no external model"):
            reports.submit_report(experiment, included=[other], by=None)


def test_a_model_that_cannot_be_used_is_not_listed_and_its_job_says_why(world: World, tmp_path: Path) -> None:
    files = network(tmp_path)
    broken = {**files, "weights": SimpleUploadedFile("net.onnx", b"not a network")}
    assert failed(services.submit_model(dataset=world.dataset, **broken, by=None))
    files = network(tmp_path)
    lacking = {**files, "description": described(mean=[0.5, 0.5, 0.5])}
    assert "does not say std, short_side, crop" in failed(
        services.submit_model(dataset=world.dataset, **lacking, by=None)
    )
    short = embeddings(world.dataset, left_out=1)
    assert "lacks" in failed(services.submit_model(dataset=world.dataset, **short, by=None))
    assert Model.objects.count() == 2 and len(uploads()) == 3, "for whoever retries"
    assert not list((Path(settings.MEDIA_ROOT) / "outside").glob("job-*"))


@pytest.mark.services
def test_a_job_that_runs_twice_lists_one_model(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = services.submit_model(dataset=world.dataset, **embeddings(world.dataset), by=None)
    done(job)
    monkeypatch.setattr(services, "run_child", None)
    Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None, heartbeat_at=None)
    done(job)
    assert Model.objects.count() == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"weights": None}, "do not make a model"),
        ({"description": None}, "do not make a model"),
        ({"embeddings": SimpleUploadedFile("a.npy", b"x")}, "do not make a model"),
        ({"weights": SimpleUploadedFile("../../net.pt", b"x")}, r"net.pt must end in .onnx or .safetensors"),
        ({"description": SimpleUploadedFile("a.json", b"{")}, "a.json is not JSON"),
        ({"description": SimpleUploadedFile("a.json", b"[" * 100_000)}, "a.json is not JSON"),
        ({"description": SimpleUploadedFile("a.json", b"\xff")}, "a.json is not JSON"),
        ({"description": SimpleUploadedFile("a.json", b"[]")}, "must hold one JSON object"),
        ({"description": SimpleUploadedFile("a.json", b" " * (2**20 + 1))}, "larger than 1 MB"),
    ],
)
def test_files_that_cannot_be_meant_are_refused_and_not_kept(
    world: World, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Rejected, match=sentence):
        services.submit_model(dataset=world.dataset, **{**network(tmp_path), **change}, by=None)
    assert not uploads() and not Job.objects.filter(kind="add-model").exists()


def test_files_that_are_too_large_are_refused(world: World, tmp_path: Path, settings: Any) -> None:
    settings.MODEL_MAX_BYTES = 10
    with pytest.raises(Rejected, match="is larger than 0 MB"):
        services.submit_model(dataset=world.dataset, **network(tmp_path), by=None)
    with pytest.raises(Rejected, match="is larger than 0 MB"):
        services.submit_model(dataset=world.dataset, **embeddings(world.dataset), by=None)
    assert not uploads()


def test_a_full_disk_leaves_nothing_of_what_was_taken_in(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Path, value: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(services, "write_json", full)
    with pytest.raises(OSError, match="No space left"):
        services.submit_model(dataset=world.dataset, **network(tmp_path), by=None)
    assert not uploads() and not Job.objects.filter(kind="add-model").exists()


def test_a_set_not_imported_takes_no_model(tmp_path: Path) -> None:
    waiting = Dataset.objects.create(name="Waiting", slug="waiting", source="wings")
    with pytest.raises(Rejected, match="Waiting is not imported yet"):
        services.submit_model(dataset=waiting, **network(tmp_path), by=None)


def test_uploads_that_are_gone_are_asked_for_again(world: World) -> None:
    job = services.submit_model(dataset=world.dataset, **embeddings(world.dataset), by=None)
    for file in uploads()[0].iterdir():
        file.unlink()
    assert failed(job) == "the uploaded files are gone; send them again"
