"""The agreement of ratings with measured metrics: the query's own value, or the model's mean where it has none."""

import numpy as np
import pytest
from django.core.cache import cache

from accounts.models import User
from ratings.models import Ballot
from ratings.services import ballots
from ratings.services.leaderboard_metrics import metric_agreement_of
from ratings.services.leaderboard_rows import measured_rows
from ratings.services.metric_agreement import MetricAgreement
from retrieval.models import Model, Run
from tests.conftest import person
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db
MEAN = 0.5


@pytest.fixture
def by_query(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Five people prefer, on each of twelve queries, the model that earned more for it; both means are equal."""
    monkeypatch.setattr(ballots, "CORE_SHARE", 0)  # everybody gets a new picture
    raters = [person(f"rater{at}", "member") for at in range(5)]
    earned: dict[int, tuple[float, float]] = {}
    for turn in range(12):
        ballot = ballots.next_ballot(raters[turn % 5])
        likes_first = turn % 2 == 0
        assert ballot.search.query_image_id is not None
        earned[ballot.search.query_image_id] = (0.9, 0.1) if likes_first else (0.1, 0.9)
        columns = ballots.rankings_in_order(ballot)
        ballots.rate(ballot, {one.pk: 4 if (one.model == world.models[0]) == likes_first else 2 for one in columns})
    for place, model in enumerate(world.models):
        plant(model, {image: values[place] for image, values in earned.items()})
    return world


def plant(model: Model, earned: dict[int, float]) -> None:
    """Store what a model earned for each query, by its picture, and the mean that every model of these tests has."""
    file = model.folder / "per_query.npz"
    file.unlink(missing_ok=True)  # the session's own keeps its bytes
    values = np.array(list(earned.values()))
    np.savez_compressed(file, ids=np.array(list(earned)), labels=np.zeros(len(values)), map_at_r=values)
    assert model.run is not None
    metrics = {"recall_at": {"1": MEAN}, "map_at_r": MEAN}
    Run.objects.filter(pk=model.run.pk).update(metrics=metrics)


def agreement() -> MetricAgreement:
    cache.clear()
    return metric_agreement_of(measured_rows(User.objects.earliest("pk")))


def map_at_r() -> tuple[bool, float, int]:
    """Return whether MAP@R is of the query, its AUC and its pairs."""
    [one] = [metric for metric in agreement().metrics if metric.name == "map_at_r"]
    return one.of_query, one.auc, one.pairs


def test_a_metric_that_decides_on_each_query_predicts_what_its_mean_does_not(by_query: World) -> None:
    assert map_at_r() == (True, 1.0, 12)
    (by_query.models[0].folder / "per_query.npz").unlink()
    assert map_at_r() == (False, 0.5, 12)


def test_a_metric_that_is_not_stored_by_query_is_the_mean(by_query: World) -> None:
    [recall] = [metric for metric in agreement().metrics if metric.name == "recall_at_1"]
    assert (recall.of_query, recall.auc) == (False, 0.5)


def test_a_query_that_was_not_measured_is_left_out(by_query: World) -> None:
    left_out = Ballot.objects.values_list("search__query_image", flat=True)[0]
    queries = [pk for pk in Ballot.objects.values_list("search__query_image", flat=True) if pk != left_out]
    plant(by_query.models[1], dict.fromkeys(queries, 0.5))
    assert map_at_r() == (True, 1.0, 11)


@pytest.mark.parametrize("damage", ["other queries", "no file of numbers"])
def test_scores_that_do_not_fit_fall_back_to_the_mean(by_query: World, damage: str) -> None:
    if damage == "other queries":
        plant(by_query.models[0], {10**9: 0.9})
    else:
        (by_query.models[0].folder / "per_query.npz").write_bytes(b"no zip")
    assert map_at_r() == (False, 0.5, 12)
