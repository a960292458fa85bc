import numpy as np
import pytest

from mlcore.images.image_io import open_picture
from mlcore.images.perceptual_hash import perceptual_hash
from retrieval.datasets.services.pictures import thumbnail_of
from retrieval.datasets.services.thumbnails import fill_looks
from tests.retrieval.world import World, replaced

pytestmark = pytest.mark.django_db


def test_an_import_leaves_looks_and_thumbnails(world: World) -> None:
    for image in world.test_images:
        file = thumbnail_of(image)
        assert file.exists()
        assert bytes(image.look or b"") == perceptual_hash(np.asarray(open_picture(file.read_bytes())))


def test_missing_ones_are_filled_once(world: World) -> None:
    before = {image.pk: bytes(image.look or b"") for image in world.test_images}
    world.dataset.images.filter(pk__in=before).update(look=None)
    assert fill_looks(world.dataset) == len(before)
    assert {image.pk: bytes(image.look or b"") for image in world.test_images} == before
    assert fill_looks(world.dataset) == 0


def test_a_damaged_picture_stays_without(world: World) -> None:
    image = world.test_images[0]
    world.dataset.images.filter(pk=image.pk).update(look=None)
    thumbnail_of(image).unlink()
    replaced(image.file, b"no picture")
    assert fill_looks(world.dataset) == 0
    image.refresh_from_db()
    assert image.look is None


def test_work_that_is_stopped_keeps_what_it_did(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.datasets.services.thumbnails.BATCH", 10)
    world.dataset.images.update(look=None)

    def stop(phase: str, done: int, total: int) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_looks(world.dataset, stop)
    left = world.dataset.images.filter(look=None).count()
    assert left == world.dataset.images.count() - 20
    assert fill_looks(world.dataset) == left
