"""How well metrics predict people, against a slow count and planted preferences."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest

from benchmarks.ratings import Design, simulate
from ratings.services.metric_agreement import NOTHING_TO_FIND, MetricAgreement, Predictor, metric_agreement
from ratings.services.rating_statistics import FEW_PEOPLE, FEW_QUERIES, NO_RATINGS, NO_VARIATION, Floats, Ratings
from tests.ratings.services.test_people_statistics import crossed

DESIGN = Design(12, 15, models=6)


def of(ratings: Ratings, **values: Floats) -> MetricAgreement:
    predictors = {name: Predictor(name, name, True, table) for name, table in values.items()}
    return metric_agreement(ratings, predictors, np.ones(len(ratings.people), dtype=bool))


def slow_auc(ratings: Ratings, metric: Floats) -> tuple[float, int]:
    scores = []
    for rated, measured in zip(ratings.values, metric, strict=True):
        for one, other in combinations(range(len(rated)), 2):
            gap = (rated[one] - rated[other]) * (measured[one] - measured[other])
            if not np.isnan(gap) and rated[one] != rated[other]:
                scores.append(0.5 if gap == 0 else float(gap > 0))
    return sum(scores) / len(scores), len(scores)


def by_query(ratings: Ratings, random: np.random.Generator) -> Floats:
    """A metric of each query and model with ties; NaN nowhere."""
    table = random.integers(0, 4, (ratings.queries.max() + 1, ratings.values.shape[1]))
    return table[ratings.queries].astype(np.float64)


def test_the_share_is_what_a_slow_count_gives() -> None:
    random = np.random.default_rng(0)
    ratings = simulate(DESIGN, random)
    metric = by_query(ratings, random)
    [figure] = of(ratings, noise=metric).metrics
    assert (figure.auc, figure.pairs) == (pytest.approx(slow_auc(ratings, metric)[0]), slow_auc(ratings, metric)[1])
    assert figure.low is not None and figure.high is not None and figure.low <= figure.auc <= figure.high


def test_a_metric_that_is_missing_for_a_model_leaves_its_pairs_out() -> None:
    random = np.random.default_rng(0)
    ratings = simulate(DESIGN, random)
    metric = by_query(ratings, random)
    metric[:, 0] = np.nan
    whole, part = sorted(of(ratings, whole=by_query(ratings, random), part=metric).metrics, key=lambda one: -one.pairs)
    assert (part.name, part.pairs) == ("part", slow_auc(ratings, metric)[1]) and whole.pairs > part.pairs


def test_the_planted_metric_is_first_and_one_of_chance_has_a_half() -> None:
    random = np.random.default_rng(1)
    ratings = simulate(Design(20, 20, models=6), random)
    chance = by_query(ratings, random)
    perfect = np.nan_to_num(ratings.values)
    found = of(ratings, chance=chance, perfect=perfect, reverse=-perfect)
    assert [one.name for one in found.metrics] == ["perfect", "chance", "reverse"]
    assert [found.metrics[0].auc, found.metrics[2].auc] == [1, 0]
    assert [one.rank_text for one in found.metrics] == ["1", "2", "3"] and not found.level_with_best


def test_metrics_that_cannot_be_told_apart_share_the_first_rank() -> None:
    random = np.random.default_rng(2)
    ratings = simulate(DESIGN, random)
    one, other = by_query(ratings, random), by_query(ratings, random)
    found = of(ratings, one=one, other=other, same=one)
    assert {figure.rank_text for figure in found.metrics} == {"1–3"} and len(found.level_with_best) == 2


def test_intervals_cover_a_half_for_metrics_that_know_nothing() -> None:
    random = np.random.default_rng(3)
    repeats = 60
    covered = []
    for _ in range(repeats):
        ratings = simulate(Design(15, 10, models=6), random)
        [figure] = of(ratings, chance=by_query(ratings, random)).metrics
        assert figure.low is not None and figure.high is not None
        covered.append(figure.low <= 0.5 <= figure.high)
    assert np.mean(covered) >= 0.92 - 3 * sqrt(0.92 * 0.08 / repeats)


def test_another_person_orders_pairs_as_a_slow_count_says() -> None:
    ratings = simulate(DESIGN, np.random.default_rng(4))
    scores = []
    for one, other in combinations(range(len(ratings.people)), 2):
        if ratings.queries[one] != ratings.queries[other]:
            continue
        for first, second in combinations(range(DESIGN.models), 2):
            gaps = [ratings.values[ballot, first] - ratings.values[ballot, second] for ballot in (one, other)]
            for own, theirs in (gaps, gaps[::-1]):
                if own and not np.isnan(own * theirs):
                    scores.append(0.5 if theirs == 0 else float(own * theirs > 0))
    others = of(ratings, any=np.zeros(ratings.values.shape)).other_people
    assert others is not None
    assert (others.auc, others.comparisons) == (pytest.approx(np.mean(scores)), len(scores))


def test_equal_results_are_a_coin_toss() -> None:
    ratings = simulate(DESIGN, np.random.default_rng(5))
    [figure] = of(ratings, level=np.ones(ratings.values.shape)).metrics
    assert (figure.auc, figure.low, figure.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("people", "queries", "why"), [(1, 20, FEW_PEOPLE), (4, 12, FEW_PEOPLE), (6, 9, FEW_QUERIES), (0, 0, NO_RATINGS)]
)
def test_it_is_withheld_where_few_rated(people: int, queries: int, why: str) -> None:
    ratings = (
        crossed(people, queries, [5, 1])
        if people
        else Ratings(np.zeros(0, dtype=int), np.zeros(0, dtype=int), np.zeros((0, 2)))
    )
    found = of(ratings, metric=np.nan_to_num(ratings.values))
    assert (found.metrics, found.no_interval, found.people) == ((), why, people)
    assert found.no_interval_text


def test_everybody_rates_3_so_no_pair_says_anything() -> None:
    ratings = crossed(6, 12, [3, 3])
    found = of(ratings, metric=np.nan_to_num(ratings.values))
    assert (found.metrics, found.no_interval, found.pairs) == ((), NO_VARIATION, 0)
    assert "nobody rates two columns of a ballot differently" in found.no_interval_text


def test_classes_of_one_picture_leave_nothing_to_find() -> None:
    ratings = crossed(6, 12, [5, 1])
    values = np.nan_to_num(ratings.values)
    found = metric_agreement(
        ratings, {"metric": Predictor("m", "m", True, values)}, np.zeros(len(ratings.people), dtype=bool)
    )
    assert (found.no_interval, found.queries_left_out) == (NOTHING_TO_FIND, 12)
    assert "another picture of its class" in found.no_interval_text


def test_people_count_who_rate_columns_differently() -> None:
    ratings = crossed(6, 12, lambda who, query: [5, 1] if who < 2 else [3, 3])
    found = of(ratings, metric=np.nan_to_num(ratings.values))
    assert (found.no_interval, found.people) == (FEW_PEOPLE, 2) and "; 2 did" in found.no_interval_text


def test_queries_with_nothing_to_find_are_left_out() -> None:
    ratings = crossed(6, 14, [5, 1])
    findable = ratings.queries != 3
    values = np.nan_to_num(ratings.values)
    found = metric_agreement(ratings, {"metric": Predictor("m", "m", True, values)}, findable)
    assert (found.queries_left_out, found.queries, found.pairs) == (1, 13, 78)


def test_random_clickers_are_predicted_by_nothing() -> None:
    random = np.random.default_rng(6)
    clicks = crossed(10, 20, lambda who, query: list(random.integers(1, 6, 2)))
    figures = of(clicks, first=np.tile([1.0, 0.0], (200, 1))).metrics
    assert all(one.low is not None and one.high is not None and one.low < 0.5 < one.high for one in figures)
