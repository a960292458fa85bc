import pytest

from accounts.models import User
from retrieval.models import Dataset, Model, Run
from retrieval.registry.services.visibility import set_default, set_published
from retrieval.search.services.defaults import best_model, default_datasets, default_models
from retrieval.search.services.run_search import searchable_datasets, searchable_models
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def measured(model: Model, map_at_r: float) -> None:
    run = Run.objects.get(pk=model.run_id)
    Run.objects.filter(pk=run.pk).update(metrics={**(run.metrics or {}), "map_at_r": map_at_r})


def third(world: World) -> Model:
    """Return a further model with an index of the data set."""
    first = world.models[0]
    index = first.indexes.get(active=True)
    first.pk, first.run_id, first.artifact, first.measured = None, None, "third", {"map_at_r": 0.99}
    first.save()
    index.pk, index.model, index.path = None, first, f"{index.path}-third"
    index.save()
    return first


def test_the_two_best_by_the_leaderboards_measure_are_taken(world: World) -> None:
    weak, strong = world.models
    measured(weak, 0.1), measured(strong, 0.5)
    best = third(world)
    assert default_models(searchable_models(world.dataset), [world.dataset]) == [strong, best]
    assert best_model(searchable_models(world.dataset), world.dataset) == best


def test_a_model_that_a_curator_chose_goes_before_better_ones(world: World, curator: User) -> None:
    weak, strong = world.models
    measured(weak, 0.1), measured(strong, 0.5)
    set_default(weak, True, by=curator)
    assert default_models(searchable_models(world.dataset), [world.dataset]) == [weak]
    set_published(weak, False, by=curator)
    assert default_models(searchable_models(world.dataset), [world.dataset]) == [strong]


def test_a_suspended_model_is_taken_only_where_there_is_no_other(world: World) -> None:
    first, second = world.models
    Model.objects.filter(pk=first.pk).update(suspended_at="2026-05-04T09:30:00Z")
    assert default_models(searchable_models(world.dataset), [world.dataset]) == [second]
    Model.objects.update(suspended_at="2026-05-04T09:30:00Z")
    assert len(default_models(searchable_models(world.dataset), [world.dataset])) == 2


def test_a_baseline_is_no_default_where_a_trained_model_has_an_index(world: World) -> None:
    trained, baseline = world.models
    Model.objects.filter(pk=baseline.pk).update(loss="untrained")
    moths = world.another(baseline)
    assert default_models(searchable_models(world.dataset), [world.dataset]) == [trained]
    both = [world.dataset, moths]
    assert default_models(searchable_models(*both), both) == [trained, baseline]
    assert default_models(searchable_models(moths), [moths]) == [baseline]


def test_of_several_data_sets_each_gets_its_best_and_there_are_two_at_least(world: World) -> None:
    weak, strong = world.models
    measured(weak, 0.1), measured(strong, 0.5)
    moths = world.another(strong)
    both = [world.dataset, moths]
    assert default_models(searchable_models(*both), both) == [weak, strong]


def test_the_data_sets_of_the_last_search_are_taken_again(world: World, member: User) -> None:
    moths = world.another()
    able = list(searchable_datasets(member))
    assert default_datasets(member, able) == able == [moths, world.dataset]
    world.ask(member)
    assert default_datasets(member, able) == [world.dataset]
    world.ask(member, datasets=[moths], models=world.models[:1])
    assert default_datasets(member, able) == [moths]


def test_a_data_set_that_cannot_be_searched_any_more_is_not_taken(world: World, member: User) -> None:
    moths = world.another()
    world.ask(member, datasets=[moths], models=world.models[:1])
    Dataset.objects.filter(pk=moths.pk).update(revision=0)
    assert default_datasets(member, list(searchable_datasets(member))) == [world.dataset]
