import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry, User
from config.errors import Rejected
from jobs.models import Job
from mlcore.datasets import load_dataset
from mlcore.datasets.source import SPLITS
from mlcore.events import no_progress
from retrieval.datasets.services.adding import submit_pictures
from retrieval.datasets.services.curating import relabel, set_hidden
from retrieval.models import Index, Model
from retrieval.registry.services import index_building
from retrieval.registry.services import indexes as services
from retrieval.registry.services.visibility import set_published
from retrieval.search.services import model_cache
from tests.retrieval.datasets.services.test_adding import pictures
from tests.retrieval.world import World, done, failed, replaced

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def rebuilt(model: Model) -> Index:
    return Index.objects.get(pk=done(services.submit_index(model, by=None)).result["index"])


def active(model: Model) -> list[Index]:
    return list(Index.objects.filter(model=model, active=True))


def test_an_index_holds_every_picture_under_its_key(world: World) -> None:
    index = world.index_of(world.models[0])
    loaded = model_cache.serving_index_of(index).vectors
    assert sorted(loaded.ids) == list(world.dataset.images.values_list("pk", flat=True))
    assert index.count == 48 and 0 <= index.recall <= 1 and index.manifest["model_sha256"] == index.model.weights_sha256


def test_one_rebuild_of_a_model_is_queued_at_a_time(world: World, curator: User) -> None:
    first = services.submit_index(world.models[0], by=curator)
    assert services.submit_index(world.models[0], by=None) == first
    assert services.submit_index(world.models[1], by=None) != first


def test_a_new_build_replaces_the_serving_one_and_only_its_models(world: World) -> None:
    one, other = world.models
    before = world.index_of(one), world.index_of(other)
    index = rebuilt(one)
    assert active(one) == [index] and index != before[0]
    assert active(other) == [before[1]]
    assert before[0].folder.exists(), "the way back"


def test_a_build_that_runs_twice_makes_one_index(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    index = rebuilt(world.models[0])
    monkeypatch.setattr(index_building, "build_index", None)  # the folder is there: nothing is built again
    job = Job.objects.order_by("pk").last()
    assert job is not None
    Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None, heartbeat_at=None)
    done(job)
    assert active(world.models[0]) == [index] and Index.objects.filter(model=world.models[0]).count() == 2


def test_a_failed_build_keeps_the_serving_one_and_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    model = world.models[0]
    before = world.index_of(model)

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("mlcore.index.writing.write_json", full)
        assert "the disk is full" in failed(services.submit_index(model, by=None))
    assert active(model) == [before] and Index.objects.filter(model=model).count() == 1
    assert [folder.name for folder in before.folder.parent.iterdir()] == [before.folder.name]


def test_an_unpublished_model_stays_so_when_its_index_is_rebuilt(world: World) -> None:
    model = world.models[0]
    set_published(model, False)
    rebuilt(model)
    model.refresh_from_db()
    assert not model.published


# --- switching


def test_switching_back_serves_the_older_index(world: World, member: User) -> None:
    model = world.models[0]
    old = world.index_of(model)
    new = rebuilt(model)
    for index in (old, old, new, old):
        services.activate(index)
        assert active(model) == [index] and index.active
        [ranking] = world.ask(member, models=[model]).rankings.all()
        assert ranking.index == index


def test_a_switch_is_in_the_trail_and_a_second_one_to_the_same_is_not(world: World, curator: User) -> None:
    model = world.models[0]
    old = world.index_of(model)
    rebuilt(model)
    AuditEntry.objects.all().delete()
    for _ in range(2):
        services.activate(old, by=curator)
        set_published(model, False, by=curator)
    found = AuditEntry.objects.values_list("who__email", "action", "target")
    assert set(found) == {(curator.email, name, model.name) for name in ("activate-index", "unpublish-model")}
    assert len(found) == 2


def test_an_index_whose_files_are_gone_is_not_activated(world: World) -> None:
    model = world.models[0]
    old = world.index_of(model)
    new = rebuilt(model)
    old.folder.rename(old.folder.with_name("elsewhere"))
    with pytest.raises(Rejected, match="are gone; build a new one"):
        services.activate(old)
    assert active(model) == [new]


def test_the_database_knows_one_active_index_a_model_and_set(world: World) -> None:
    new = rebuilt(world.models[0])
    with pytest.raises(IntegrityError), transaction.atomic():
        Index.objects.filter(model=new.model).update(active=True)
    assert active(new.model) == [new]


def test_an_older_build_that_ends_last_does_not_serve(world: World) -> None:
    model = world.models[0]
    late = services.submit_index(model, by=None)
    Index.objects.filter(model=model, active=True).update(revision=2)
    serving = active(model)
    built = Index.objects.get(pk=done(late).result["index"])
    assert not built.active and active(model) == serving


# --- embeddings


def forget(model: Model, rows: list[int]) -> None:
    """Let a model's folder know other pictures in these rows."""
    lines = (model.folder / "images.csv").read_text().splitlines()
    for row in rows:
        lines[row + 1] = lines[row + 1].rpartition(",")[0] + ",unknown"
    replaced(model.folder / "images.csv", "\n".join(lines).encode())


def test_stored_embeddings_are_taken_by_sha256_and_none_is_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = world.models[0]
    monkeypatch.setattr(index_building, "_embedded", None)
    catalogue = load_dataset(world.dataset.folder)
    found = index_building.embeddings_of(model, catalogue, tmp_path, no_progress)
    assert np.array_equal(found, np.load(model.folder / "embeddings.npy"))


def test_only_new_pictures_are_embedded_and_each_stands_in_its_row(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Forget two pictures of those that training stored: they are embedded anew, and come out the same."""
    model, forgotten = world.models[0], [5, 17]
    stored = np.load(model.folder / "embeddings.npy")
    forget(model, forgotten)
    Index.objects.filter(model=model).update(active=False)
    embedded, asked = index_building._embedded, []

    def counted(model: Model, catalogue: Any, rows: Any, progress: Any) -> Any:
        asked.extend(rows)
        return embedded(model, catalogue, rows, progress)

    monkeypatch.setattr(index_building, "_embedded", counted)
    found = index_building.embeddings_of(model, load_dataset(world.dataset.folder), tmp_path, no_progress)
    assert asked == forgotten
    assert np.allclose(found, stored, atol=1e-5)


def test_what_the_serving_index_holds_is_not_embedded_again(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = world.models[0]
    stored = np.load(model.folder / "embeddings.npy")
    forget(model, [5, 17])
    monkeypatch.setattr(index_building, "_embedded", None)
    found = index_building.embeddings_of(model, load_dataset(world.dataset.folder), tmp_path, no_progress)
    assert np.allclose(found, stored, atol=1e-5)


def test_index_folders_lie_below_the_media_folder(world: World) -> None:
    assert all(index.folder.is_relative_to(settings.MEDIA_ROOT) for index in Index.objects.all())


# --- growth


def next_index(model: Model) -> Index:
    """Do the rebuild that a change of pictures has queued."""
    job = Job.objects.get(kind="index", state="queued", payload__model=model.pk)
    return Index.objects.get(pk=done(job).result["index"])


def origin_of(index: Index) -> dict[str, Any]:
    origin: dict[str, Any] = index.manifest["origin"]
    return origin


def test_a_change_of_pictures_lets_the_active_index_grow(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide two, show one of them again, move one: no index is built, no picture embedded, and the codes follow."""
    model, before = world.models[0], world.index_of(world.models[0])
    [one, other, moved] = (image.pk for image in world.test_images[:3])
    monkeypatch.setattr(index_building, "build_index", None)
    monkeypatch.setattr(index_building, "_embedded", None)
    set_hidden(world.dataset, [one, other], True, by=None)
    hidden = next_index(model)
    assert origin_of(hidden)["base"] == before.manifest["files"]["index.bin"]["sha256"]
    assert (origin_of(hidden)["added"], origin_of(hidden)["deleted"], origin_of(hidden)["dead"]) == (0, 2, 2)
    assert hidden.count == 46 and not {one, other} & set(model_cache.serving_index_of(hidden).vectors.ids.tolist())
    set_hidden(world.dataset, [one], False, by=None)
    shown = next_index(model)
    assert (origin_of(shown)["restored"], origin_of(shown)["dead"], shown.count) == (1, 1, 47)
    relabel(world.dataset, [moved], world.train_images[0].class_name, by=None)
    loaded = model_cache.serving_index_of(next_index(model)).vectors
    image = world.dataset.images.get(pk=moved)
    codes, row = loaded.codes, loaded.rows_of([moved])
    assert codes is not None and codes.labels[row].tolist() == [image.label] and image.split == "train"
    assert SPLITS[codes.splits[row][0]] == "train" and [index.pk for index in active(model)] == [loaded_row(model)]
    vectors = model_cache.serving_index_of(before).vectors
    assert np.array_equal(loaded.vectors_of(loaded.ids), vectors.vectors_of(loaded.ids))


def loaded_row(model: Model) -> int:
    return Index.objects.filter(model=model).order_by("-pk").values_list("pk", flat=True)[0]


def test_new_pictures_are_added_to_the_active_index(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_building, "build_index", None)
    monkeypatch.setattr(index_building, "load_vectors", None)  # its graph is read once, to grow
    done(submit_pictures(world.dataset, pictures(1, 2), world.dataset.class_names[0], by=None))
    index = next_index(world.models[0])
    assert origin_of(index)["added"] == 2 and index.count == 50
    loaded, new = (
        model_cache.serving_index_of(index).vectors,
        world.dataset.images.order_by("-pk").values_list("pk", flat=True)[:2],
    )
    for pk in new:
        assert loaded.search(loaded.vectors_of([pk]), 1)[0].tolist() == [[pk]]


@pytest.mark.parametrize("reason", ["a quarter is dead", "earlier format", "damaged"])
def test_what_cannot_grow_is_built_from_nothing(world: World, reason: str) -> None:
    model, index = world.models[0], world.index_of(world.models[0])
    going = [image.pk for image in world.train_images[: 13 if reason == "a quarter is dead" else 1]]
    if reason == "earlier format":
        replaced(index.folder / "manifest.json", json.dumps(index.manifest | {"format": 1}).encode())
    if reason == "damaged":
        replaced(index.folder / "vectors.npy", (index.folder / "vectors.npy").read_bytes()[:-1])
    set_hidden(world.dataset, going, True, by=None)
    built = next_index(model)
    assert origin_of(built)["base"] is None and origin_of(built)["dead"] == 0 and built.count == 48 - len(going)


def test_a_rebuild_that_somebody_wants_builds_from_nothing(world: World) -> None:
    assert origin_of(rebuilt(world.models[0]))["base"] is None
