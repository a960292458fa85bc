import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import AuditEntry, User
from config.errors import Conflict, Rejected
from retrieval.models import COLORS, Dataset, Model
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


def test_a_model_is_made_default_once_and_that_is_audited(world: World, curator: User) -> None:
    model = world.models[0]
    visibility.set_default(model, True, by=curator)
    visibility.set_default(model, True, by=curator)
    model.refresh_from_db()
    assert model.is_default
    visibility.set_default(model, False, by=curator)
    actions = AuditEntry.objects.filter(who=curator).order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["set-default-model", "unset-default-model"]


def test_an_unpublished_model_cannot_be_made_default(world: World) -> None:
    model = world.models[0]
    Model.objects.filter(pk=model.pk).update(published=False)
    model.refresh_from_db()
    with pytest.raises(Conflict, match="is not published"):
        visibility.set_default(model, True)


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
