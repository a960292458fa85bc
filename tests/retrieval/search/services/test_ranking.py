"""One search embeds its query once for all models that share a trunk."""

from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import AnonymousUser
from numpy.typing import NDArray

from accounts.models import User
from config.errors import Rejected
from mlcore.errors import CheckpointError, WeightsError
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encoder_protocol import PictureEncoder
from retrieval.models import Image, Model, Search
from retrieval.search.services import model_cache, ranking
from retrieval.search.services.query_image import stored_query
from retrieval.search.services.try_out import tried_results
from tests.retrieval.world import SMALL, World


class Shared(PictureEncoder):
    """A trunk that several models share, each with a head that draws its embedding from its key."""

    dim = int(SMALL["dim"])

    def __init__(self, key: int, passes: list[int], trunk: str = "shared") -> None:
        super().__init__(Preprocessing(32, 32, (), ()), trunk=trunk)
        self.key, self.passes = key, passes

    def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.embed_features(self.features_of_pixels(pixels))

    def features_of_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.passes.append(len(pixels))
        return np.ones((len(pixels), 1), np.float32)

    def embed_features(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        vector = np.random.default_rng(self.key).normal(size=self.dim)
        return (features * vector / np.linalg.norm(vector)).astype(np.float32)


def test_models_of_one_trunk_take_one_forward_pass(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    monkeypatch.setattr(model_cache, "encoder_of", lambda model: Shared(model.pk, passes))
    first, second = world.ask(member).rankings.order_by("model")
    assert passes == [1] and first.image_ids != second.image_ids
    passes.clear()
    for model, found in zip(world.models, (first, second), strict=True):
        assert world.ask(member, models=[model]).rankings.get().image_ids == found.image_ids
    assert passes == [1, 1]


def test_models_of_other_trunks_take_their_own(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    monkeypatch.setattr(model_cache, "encoder_of", lambda model: Shared(model.pk, passes, trunk=str(model.pk)))
    world.ask(member)
    assert passes == [1, 1]


@pytest.mark.parametrize("error", [CheckpointError("damaged"), OSError("gone")])
def test_a_model_that_cannot_be_loaded_is_left_out_and_refused(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    passes: list[int] = []
    broken, sound = world.models

    def encoder_of(model: Model) -> Any:
        if model == broken:
            raise error
        return Shared(model.pk, passes)

    monkeypatch.setattr(model_cache, "encoder_of", encoder_of)
    query = stored_query(world.ask(member, models=[sound])).for_networks
    assert set(ranking.embed_queries(world.models, [query, query])) == {sound.pk}
    assert passes == [1, 2]
    search = world.ask(member)
    assert [row.model for row in search.rankings.all()] == [sound]
    assert search.problems[0][0] == broken.pk and f"{broken.name} cannot search" in search.problems[0][1]
    with pytest.raises(Rejected, match=f"{broken.name} cannot search"):
        world.ask(member, models=[broken])


def test_a_network_that_fails_is_refused(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(Shared):
        def features_of_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            raise WeightsError("ONNX Runtime cannot run the network")

    monkeypatch.setattr(model_cache, "encoder_of", lambda model: Failing(model.pk, []))
    with pytest.raises(Rejected, match="cannot search: ONNX Runtime cannot run the network"):
        world.ask(member)
    with model_cache.queue.turn():  # which is free again
        pass


def test_a_picture_that_came_after_the_index_has_no_stored_vector(world: World) -> None:
    image = world.test_images[0]
    later = Image.objects.get(pk=image.pk)
    later.pk, later.path = None, "later.jpg"
    later.save(force_insert=True)
    with pytest.raises(Rejected, match="does not hold that picture yet"):
        ranking.indexed_embedding(Search(query_image=later), world.models[0])
    with pytest.raises(Rejected, match="no model can search"):
        tried_results(later, AnonymousUser())
