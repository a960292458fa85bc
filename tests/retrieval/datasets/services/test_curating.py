from typing import Any

import pytest
from django.db import transaction

from accounts.models import AuditEntry, User
from config.errors import Rejected
from jobs.models import Job
from mlcore.datasets import load_dataset
from retrieval.datasets.services import curating
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.models import Dataset, Image, Index
from tests.retrieval.world import World, done

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def keys(images: list[Image]) -> list[int]:
    return [image.pk for image in images]


def now(dataset: Dataset) -> Dataset:
    return Dataset.objects.get(pk=dataset.pk)


def rebuilds() -> list[Job]:
    return list(Job.objects.filter(kind="index", state="queued").order_by("pk"))


def in_files(dataset: Dataset) -> dict[int, tuple[int, str]]:
    return {picture.id: (picture.label, picture.split) for picture in fresh_catalogue(dataset.pk)[1].pictures}


def in_rows(dataset: Dataset) -> dict[int, tuple[int, str]]:
    shown = dataset.images.filter(hidden=False)
    return {pk: (label, split) for pk, label, split in shown.values_list("pk", "label", "split")}


# --- hiding


def test_a_hidden_picture_leaves_files_counts_and_the_next_index(world: World, curator: User) -> None:
    chosen = keys(world.test_images[:2])
    assert curating.set_hidden(world.dataset, chosen, True, by=curator) == 2
    row = now(world.dataset)
    assert row.revision == 2 and row.report["images"] == 46 and row.report["test_images"] == 22
    assert row.fingerprint == "" and len(load_dataset(row.folder).pictures) == 48, "the files are the next job's"
    assert in_files(row) == in_rows(row) and not set(chosen) & in_files(row).keys()
    assert fresh_catalogue(row.pk)[1].fingerprint == now(row).fingerprint == now(row).history[-1]["fingerprint"]
    jobs = rebuilds()
    assert {job.payload["model"] for job in jobs} == {model.pk for model in world.models}
    for job in jobs:
        done(job)
    for index in Index.objects.filter(active=True):
        assert index.revision == 2 and index.count == 46


def test_a_picture_shown_again_is_as_before(world: World) -> None:
    chosen, before = keys(world.train_images[:1]), world.dataset.fingerprint
    curating.set_hidden(world.dataset, chosen, True, by=None)
    assert now(world.dataset).fingerprint != before
    assert curating.set_hidden(world.dataset, chosen, False, by=None) == 1
    row = now(world.dataset)
    assert row.fingerprint == before and row.revision == 3 and in_files(row) == in_rows(row)


def test_hiding_twice_is_one_revision(world: World) -> None:
    chosen = keys(world.test_images[:1])
    curating.set_hidden(world.dataset, chosen, True, by=None)
    assert curating.set_hidden(world.dataset, chosen, True, by=None) == 0
    assert now(world.dataset).revision == 2 and len(rebuilds()) == 2


def test_many_changes_queue_one_rebuild_of_each_index(world: World) -> None:
    for picture in keys(world.test_images[:4]):
        curating.set_hidden(world.dataset, [picture], True, by=None)
    assert now(world.dataset).revision == 5 and len(rebuilds()) == 2


def test_a_build_that_runs_does_not_swallow_a_later_change(world: World) -> None:
    curating.set_hidden(world.dataset, keys(world.test_images[:1]), True, by=None)
    Job.objects.filter(kind="index", state="queued").update(
        state="running", attempt=1, heartbeat_at="2026-01-01T00:00Z"
    )
    curating.set_hidden(world.dataset, keys(world.test_images[1:2]), True, by=None)
    assert len(rebuilds()) == 2


def test_the_last_two_pictures_stay(world: World) -> None:
    every = keys([*world.train_images, *world.test_images])
    with pytest.raises(Rejected, match="at least two visible pictures"):
        curating.set_hidden(world.dataset, every[:-1], True, by=None)
    row = now(world.dataset)
    assert row.revision == 1 and not row.images.filter(hidden=True).exists() and len(in_files(row)) == 48


def test_queries_without_a_gallery_are_refused_and_nothing_changes(world: World) -> None:
    world.part()
    gallery = list(world.dataset.images.filter(split="gallery").values_list("pk", flat=True))
    with pytest.raises(Rejected, match="would be left unusable"):
        curating.set_hidden(world.dataset, gallery, True, by=None)
    assert now(world.dataset).revision == world.dataset.revision and not rebuilds()


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [([], "at least one picture"), ([10**9], "no picture 1000000000"), (range(5001), "at most 5,000")],
)
def test_a_wrong_choice_is_refused(world: World, pictures: Any, sentence: str) -> None:
    with pytest.raises(Rejected, match=sentence):
        curating.set_hidden(world.dataset, pictures, True, by=None)


def test_another_sets_picture_is_refused(world: World) -> None:
    other = Dataset.objects.create(name="Other", slug="other", source="x", revision=1)
    with pytest.raises(Rejected, match="Other has no picture"):
        curating.set_hidden(other, keys(world.test_images[:1]), True, by=None)


def test_a_set_not_imported_yet_cannot_be_changed(db: None) -> None:
    waiting = Dataset.objects.create(name="Waiting", slug="waiting", source="x")
    with pytest.raises(Rejected, match="not imported yet"):
        curating.describe(waiting, licence="mine", attribution="", by=None)


# --- relabelling


def test_pictures_moved_to_a_class_take_its_split(world: World) -> None:
    moving, into = world.train_images[0], world.test_images[0]
    name = into.class_name.upper()
    assert curating.relabel(world.dataset, [moving.pk], name, by=None) == 1
    moving.refresh_from_db()
    assert (moving.label, moving.split) == (into.label, "test")
    row = now(world.dataset)
    assert in_files(row) == in_rows(row) and row.report["train_images"] == 23 and row.report["test_images"] == 25
    assert row.history[-1]["what"] == f"1 picture moved to {into.class_name}" and row.history[0]["revision"] == 1


def test_a_query_that_moves_stays_a_query(world: World) -> None:
    world.part()
    query = world.dataset.images.filter(split="query").first()
    trained = world.train_images[0]
    assert query is not None
    other = world.dataset.images.filter(split="gallery").exclude(label=query.label).first()
    assert other is not None
    curating.relabel(world.dataset, [query.pk, trained.pk], world.dataset.class_names[other.label], by=None)
    query.refresh_from_db()
    trained.refresh_from_db()
    assert (query.label, query.split) == (other.label, "query") and trained.split == "gallery"


def test_a_new_class_needs_a_half_and_a_name_of_its_own(world: World) -> None:
    chosen, names = keys(world.test_images[:2]), world.dataset.class_names
    with pytest.raises(Rejected, match="needs a split"):
        curating.relabel(world.dataset, chosen, "Dodo", new=True, by=None)
    with pytest.raises(Rejected, match="already"):
        curating.relabel(world.dataset, chosen, names[0].upper(), new=True, split="train", by=None)
    with pytest.raises(Rejected, match="no class 'Dodo'"):
        curating.relabel(world.dataset, chosen, "Dodo", by=None)
    with pytest.raises(Rejected, match="printable"):
        curating.relabel(world.dataset, chosen, "\0", new=True, split="train", by=None)
    assert now(world.dataset).class_names == names
    assert curating.relabel(world.dataset, chosen, " Dodo ", new=True, split="train", by=None) == 2
    row = now(world.dataset)
    assert row.class_names == [*names, "Dodo"]
    assert set(row.images.filter(pk__in=chosen).values_list("label", "split")) == {(8, "train")}


def test_one_half_without_classes_is_refused(world: World) -> None:
    held_out = keys(world.test_images)
    with pytest.raises(Rejected, match="0 test classes"):
        curating.relabel(world.dataset, held_out, world.dataset.class_names[0], by=None)
    assert now(world.dataset).revision == 1


# --- classes


def test_merged_classes_leave_every_label_where_it_was(world: World) -> None:
    names = world.dataset.class_names
    one, other = names[4], names[5]
    assert curating.merge_classes(world.dataset, 4, other, by=None) == 6
    row = now(world.dataset)
    assert row.class_names == names and row.images.filter(label=5).count() == 12
    assert row.report["classes"] == 7 and row.history[-1]["what"] == f"{one} merged into {other}"
    with pytest.raises(Rejected, match="no class number 4"):
        curating.merge_classes(world.dataset, 4, other, by=None)
    with pytest.raises(Rejected, match="into itself"):
        curating.merge_classes(world.dataset, 5, other, by=None)


def test_a_class_renamed_changes_no_revision(world: World) -> None:
    curating.rename_class(world.dataset, 0, "  Great   tit ", by=None)
    row = now(world.dataset)
    assert row.class_names[0] == "Great tit" and row.revision == 1 and not rebuilds()
    assert fresh_catalogue(row.pk)[1].classes[0] == "Great tit"
    curating.rename_class(world.dataset, 0, "GREAT TIT", by=None)
    assert now(world.dataset).class_names[0] == "GREAT TIT"
    with pytest.raises(Rejected, match="already"):
        curating.rename_class(world.dataset, 1, "great tit", by=None)


def test_licence_and_attribution_are_kept(world: World) -> None:
    curating.describe(world.dataset, licence=" CC0 ", attribution="Kindred", by=None)
    row = now(world.dataset)
    assert (row.licence, row.attribution, row.revision) == ("CC0", "Kindred", 1)
    assert fresh_catalogue(row.pk)[1].licence == "CC0"


# --- crashes


def test_a_change_that_fails_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    before = in_files(world.dataset)
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr(curating, "follow_up_revision", die)
        curating.set_hidden(world.dataset, keys(world.test_images[:1]), True, by=None)
    row = now(world.dataset)
    assert row.revision == 1 and row.fingerprint and in_files(row) == in_rows(row) == before


def test_files_left_ahead_of_the_rows_are_mended(world: World) -> None:
    with transaction.atomic():
        curating.set_hidden(world.dataset, keys(world.test_images[:1]), True, by=None)
        fresh_catalogue(world.dataset.pk)
        transaction.set_rollback(True)
    row = now(world.dataset)
    assert row.revision == 1 and len(load_dataset(row.folder).pictures) == 47, "rolled back, and the files are ahead"
    row, catalogue = fresh_catalogue(row.pk)
    assert in_files(row) == in_rows(row) and catalogue.fingerprint == row.fingerprint == world.dataset.fingerprint


def test_a_catalogue_cut_in_two_is_mended(world: World) -> None:
    csv = world.dataset.folder / "images.csv"
    lines = csv.read_text().splitlines(keepends=True)
    csv.unlink()
    csv.write_text("".join(lines[:-1]))
    row, catalogue = fresh_catalogue(world.dataset.pk)
    assert len(catalogue.pictures) == 48 and row.fingerprint == world.dataset.fingerprint


# --- several words in one


def test_a_set_is_amended_by_what_is_given_alone(world: World, curator: User) -> None:
    curating.amend(world.dataset, licence="CC0", attribution="Kindred", public=False, by=curator)
    curating.amend(world.dataset, attribution="", by=curator)
    row = now(world.dataset)
    assert (row.licence, row.attribution, row.public) == ("CC0", "", False)


def test_what_was_so_before_leaves_no_trace(world: World, curator: User) -> None:
    curating.amend(world.dataset, licence=world.dataset.licence, public=world.dataset.public, by=curator)
    assert not AuditEntry.objects.exists()


def test_a_picture_is_moved_and_hidden_or_neither(world: World) -> None:
    image = world.test_images[0]
    with pytest.raises(Rejected, match="no class 'Dodo'"):
        curating.amend_picture(image, hidden=True, class_name="Dodo", by=None)
    assert not now(world.dataset).images.filter(hidden=True).exists()
    curating.amend_picture(image, hidden=True, class_name=world.dataset.class_names[0], by=None)
    image.refresh_from_db()
    assert (image.hidden, image.label, image.split) == (True, 0, "train")
