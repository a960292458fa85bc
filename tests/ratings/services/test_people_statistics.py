"""Figures of people's ratings, above all where ratings are few, odd or biased."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from ratings.services.people_figures import NO_INTERVAL, PairAgreement, PeopleFigure, RankAgreement, no_interval_text
from ratings.services.people_statistics import Statistics, computed
from ratings.services.rating_statistics import (
    FEW_PEOPLE,
    FEW_QUERIES,
    NO_RATINGS,
    NO_VARIATION,
    NOT_COMPARED,
    UNSTABLE,
    Ratings,
)
from tests.ratings.services.test_rating_statistics import ratings

NO_MODEL = np.nan


def crossed(people: int, queries: int, scores: Any) -> Ratings:
    """Ballots of everybody on every query; scores: a list, or a function of person and query."""
    given = scores if callable(scores) else lambda who, query: scores
    return ratings(*((who, query, given(who, query)) for who in range(people) for query in range(queries)))


def of(pile: Ratings) -> Statistics:
    """Compute the statistics, the models' metric in the order of the columns; no number is NaN or infinite."""
    statistics = computed(pile, {model: 0.1 * model for model in range(pile.values.shape[1])})
    json.dumps(asdict(statistics), allow_nan=False)
    return statistics


def why(statistics: Statistics) -> list[str]:
    return [figure.no_interval for figure in statistics.figures.values()]


def noisy(seed: int, *levels: float) -> Any:
    random = np.random.default_rng(seed)
    return lambda who, query: np.clip(np.round(random.normal(levels, 1)), 1, 5)


def test_from_five_people_and_ten_queries_on_there_are_intervals_and_ranks() -> None:
    first, second = of(crossed(5, 10, noisy(0, 2, 4))).figures.values()
    assert first.mean is not None and first.low is not None and first.high is not None
    assert first.low < first.mean < first.high and (first.people, first.queries, first.no_interval) == (5, 10, "")
    assert (second.rank_text, first.rank_text, first.interval) == ("1", "2", (first.low, first.high))
    assert first.win_rate is not None and first.win_low is not None and first.win_high is not None
    assert 0 <= first.win_low <= first.win_rate <= first.win_high <= 1 and first.win_rate < 0.3


@pytest.mark.parametrize(
    ("people", "queries", "code"), [(4, 40, FEW_PEOPLE), (1, 40, FEW_PEOPLE), (40, 9, FEW_QUERIES)]
)
def test_below_the_mean_stays_and_the_code_says_why_there_is_no_interval(people: int, queries: int, code: str) -> None:
    statistics = of(crossed(people, queries, noisy(0, 2, 4)))
    assert why(statistics) == [code, code]
    for figure in statistics.figures.values():
        assert figure.mean is not None and figure.interval is None and figure.rank_text == ""
        assert figure.win_rate is not None and figure.win_low is None and figure.win_high is None
        assert (figure.people, figure.queries) == (people, queries) and figure.no_interval_text
    agreement = statistics.agreement
    assert isinstance(agreement, PairAgreement) and agreement.difference > 0
    assert (agreement.certainty, agreement.low, agreement.no_interval) == (None, None, code)


def test_three_models_have_tau_with_an_interval_or_a_reason() -> None:
    agreement = of(crossed(8, 12, noisy(1, 1.5, 3, 4.5))).agreement
    assert isinstance(agreement, RankAgreement) and agreement.no_interval == ""
    assert agreement.low is not None and agreement.high is not None
    assert agreement.tau == 1 and -1 <= agreement.low <= 1 and agreement.high == 1
    few = of(crossed(3, 12, noisy(1, 1.5, 3, 4.5))).agreement
    assert isinstance(few, RankAgreement) and (few.tau, few.low, few.no_interval) == (1, None, FEW_PEOPLE)


def test_everybody_rates_three() -> None:
    statistics = of(crossed(8, 12, [3, 3, 3]))
    for figure in statistics.figures.values():
        assert (figure.mean, figure.low, figure.high) == (pytest.approx(3),) * 3 and figure.rank_text == "1–3"
    assert isinstance(statistics.agreement, RankAgreement) and statistics.agreement.tau is None
    assert statistics.people_agree is not None and statistics.people_agree.alpha is None
    assert (statistics.people_agree.no_interval, statistics.people_agree.share) == (NO_VARIATION, 1)


def test_two_models_with_equal_answers_are_never_in_order() -> None:
    random = np.random.default_rng(3)
    same = of(crossed(10, 20, lambda who, query: [random.integers(1, 6)] * 2))
    assert [figure.rank_text for figure in same.figures.values()] == ["1–2", "1–2"]
    assert isinstance(same.agreement, PairAgreement)
    assert (same.agreement.certainty, same.agreement.difference) == (0.5, 0), "not 0 but for the last bit"


def test_ratings_at_random_narrow_no_ranks() -> None:
    random = np.random.default_rng(4)
    statistics = of(crossed(12, 20, lambda who, query: random.integers(1, 6, 4)))
    assert {figure.rank_text for figure in statistics.figures.values()} == {"1–4"}


def test_one_of_many_who_clicks_at_random_or_always_left_changes_no_order() -> None:
    random = np.random.default_rng(5)
    honest = noisy(6, 2, 4)
    for odd in (lambda: random.integers(1, 6, 2), lambda: random.permutation([5, 1])):  # left: a shuffled order
        pile = crossed(12, 15, lambda who, query, odd=odd: odd() if who == 0 else honest(who, query))
        assert [figure.rank_text for figure in of(pile).figures.values()] == ["2", "1"]


def test_a_model_that_joins_late_is_known_by_few_and_compared_by_those() -> None:
    def scores(who: int, query: int) -> list[float]:
        return [2, 3, NO_MODEL] if query < 20 else [4, 5, 3]

    worst = of(crossed(6, 25, scores)).figures[2]
    assert (worst.people, worst.queries, worst.no_interval) == (6, 5, FEW_QUERIES)
    assert worst.mean == pytest.approx(of(crossed(6, 25, scores)).figures[0].mean - 1)


def test_a_model_that_nothing_compares_has_no_mean_and_one_that_little_compares_no_interval() -> None:
    chain = [(who, query, [3, 4, NO_MODEL]) for who in range(6) for query in range(12)]
    alone = [(who, 20 + query, [NO_MODEL, NO_MODEL, 5]) for who in range(6) for query in range(11)]
    statistics = of(ratings(*chain, *alone))
    assert statistics.figures[2].mean is None and statistics.figures[2].win_rate is None
    assert why(statistics) == ["", "", NOT_COMPARED]
    linked = of(ratings(*chain, *alone, (1, 40, [3, NO_MODEL, 3])))
    assert linked.figures[2].mean == pytest.approx(linked.figures[0].mean) and why(linked) == ["", "", UNSTABLE]


def test_nobody_rated_a_model_or_anything() -> None:
    assert why(of(crossed(6, 12, [3, NO_MODEL]))) == ["", NO_RATINGS]
    empty = Ratings(np.array([], dtype=np.int64), np.array([], dtype=np.int64), np.empty((0, 2)))
    assert of(empty) == Statistics() and PeopleFigure().no_interval == NO_RATINGS


def test_fifty_models_have_ranks() -> None:
    levels = np.linspace(1.2, 4.8, 50)
    figures = of(crossed(10, 12, noisy(7, *levels))).figures
    assert len(figures) == 50 and (figures[49].rank_low, figures[0].rank_high) == (1, 50)
    assert all(0 < (figure.rank_low or 0) <= (figure.rank_high or 0) <= 50 for figure in figures.values())


def test_every_code_has_words() -> None:
    texts = {no_interval_text(code, 3, 7) for code in NO_INTERVAL}
    assert len(texts) == len(NO_INTERVAL) and "" not in texts and no_interval_text("", 9, 99) == ""
