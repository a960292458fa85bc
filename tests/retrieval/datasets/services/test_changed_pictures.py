import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from retrieval.datasets.services.changed_pictures import UNCHANGED, changed_since, mark_changed, mark_deleted
from retrieval.models import DeletedImage, Image
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_a_search_learns_what_was_hidden_moved_and_deleted_since_its_index(world: World) -> None:
    hidden, moved, deleted = (image.pk for image in world.test_images[:3])
    Image.objects.filter(pk=hidden).update(hidden=True)
    mark_changed([hidden], 2)
    Image.objects.filter(pk=moved).update(label=0, split="train")
    mark_changed(Image.objects.filter(pk=moved), 3)
    mark_deleted(world.dataset, [deleted], 4)
    assert changed_since(world.dataset.pk, 1).gone == {hidden, deleted}
    assert changed_since(world.dataset.pk, 1).moved == {moved: (0, "train")}
    assert changed_since(world.dataset.pk, 2).gone == {deleted}
    assert not changed_since(world.dataset.pk, 3).moved
    assert changed_since(world.dataset.pk, 4) == UNCHANGED


def test_a_picture_shown_again_is_not_gone(world: World) -> None:
    image = world.test_images[0]
    mark_changed([image.pk], 3)
    assert changed_since(world.dataset.pk, 1).moved == {image.pk: (image.label, image.split)}


def test_more_pictures_than_a_statement_takes_are_marked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.datasets.services.changed_pictures.BATCH", 7)
    keys = [image.pk for image in world.test_images]
    mark_changed(keys, 2)
    mark_deleted(world.dataset, range(10**6, 10**6 + 20), 2)
    found = changed_since(world.dataset.pk, 1)
    assert found.moved.keys() == set(keys) and len(found.gone) == 20


def test_a_deletion_marked_twice_is_one(world: World) -> None:
    for _ in range(2):
        mark_deleted(world.dataset, [5, 6], 2)
    assert DeletedImage.objects.count() == 2


def test_another_data_set_has_changes_of_its_own(world: World) -> None:
    mark_changed([world.test_images[0].pk], 2)
    mark_deleted(world.dataset, [5], 2)
    assert changed_since(world.dataset.pk + 1, 0) == UNCHANGED


def test_changes_are_found_by_an_index_and_not_by_reading_every_picture(world: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        changed_since(world.dataset.pk, 1)
    assert len(queries) == 2
    found = Image.objects.filter(dataset=world.dataset, changed_revision__gt=1).order_by()
    if connection.vendor == "sqlite":  # PostgreSQL reads a table as small as this one whole, and is right
        assert "image_by_changed_revision" in found.explain()
