import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from config.errors import Rejected
from retrieval.models import COLORS, Dataset
from retrieval.registry.services import visibility
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_a_model_without_an_active_index_cannot_be_published(world: World) -> None:
    model = world.models[0]
    visibility.set_published(model, False)
    model.indexes.update(active=False)
    with pytest.raises(Rejected, match="SoftTriple has no active index yet"):
        visibility.set_published(model, True)
    model.refresh_from_db()
    assert not model.published
    model.indexes.update(active=True)
    visibility.set_published(model, True)
    visibility.set_published(model, True)
    model.refresh_from_db()
    assert model.published


def test_members_see_published_models_curators_all_and_visitors_those_of_public_sets(
    world: World, member: User, curator: User
) -> None:
    visibility.set_published(world.models[0], False)
    assert list(visibility.visible_models(member)) == world.models[1:]
    assert list(visibility.visible_models(curator)) == world.models
    assert list(visibility.visible_models(AnonymousUser())) == world.models[1:]
    Dataset.objects.update(public=False)
    assert list(visibility.visible_models(AnonymousUser())) == []


def test_there_is_a_colour_for_every_model(world: World) -> None:
    assert all(model.color < COLORS for model in world.models)
