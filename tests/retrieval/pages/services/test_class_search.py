import shutil

import numpy as np
import pytest

from retrieval.models import Model
from retrieval.pages.services.class_search import counts_of, has_class, neighbourhood_of, pictures_of
from retrieval.search.services import model_cache
from tests.retrieval.world import World, replaced

pytestmark = pytest.mark.django_db


def test_a_class_is_counted_by_split(world: World) -> None:
    counts = counts_of(world.dataset, world.test_images[0].label)
    assert counts == {"images": 6, "train": 0, "test": 6, "query": 0, "gallery": 0}
    world.dataset.images.filter(pk=world.test_images[0].pk).update(hidden=True)
    assert counts_of(world.dataset, world.test_images[0].label)["images"] == 5


def test_only_classes_of_a_labelled_set_have_a_page(world: World) -> None:
    assert has_class(world.dataset, 7) and not has_class(world.dataset, 8)
    world.dataset.labelled = False
    assert not has_class(world.dataset, 0)


def test_the_nearest_classes_are_those_of_the_nearest_centres(world: World) -> None:
    found = neighbourhood_of(world.dataset, 5)
    assert found is not None and found.typical.label == 5
    best = max(world.models, key=lambda model: model.metrics["recall_at"]["1"])  # type: ignore[index]
    assert found.model == best
    held = model_cache.serving_index_of(world.index_of(best)).vectors
    centres = []
    for label in range(8):
        ids = [image.pk for image in pictures_of(world.dataset, label)]
        middle = held.vectors_of(ids).mean(axis=0)
        centres.append(middle / np.linalg.norm(middle))
    cosines = np.array(centres) @ centres[5]
    cosines[5] = -1
    assert [other.label for other in found.nearest] == np.argsort(-cosines)[:3].tolist()
    assert found.nearest[0].similarity == pytest.approx(cosines.max(), abs=1e-5)
    assert neighbourhood_of(world.dataset, 5) == found


def test_without_a_model_or_its_index_there_is_no_neighbourhood(world: World, fresh_engine: None) -> None:
    for model in world.models:
        shutil.rmtree(world.index_of(model).folder)
    assert neighbourhood_of(world.dataset, 5) is None
    Model.objects.update(published=False)
    assert neighbourhood_of(world.dataset, 5) is None


def test_an_index_damaged_since_it_was_loaded_gives_no_neighbourhood(world: World) -> None:
    best = max(world.models, key=lambda model: model.metrics["recall_at"]["1"])  # type: ignore[index]
    file = world.index_of(best).folder / "vectors.npy"
    replaced(file, file.read_bytes())  # of its own: the session's is linked here
    assert neighbourhood_of(world.dataset, 5) is not None
    with file.open("r+b") as opened:
        opened.truncate(128)
    assert neighbourhood_of(world.dataset, 5) is None
