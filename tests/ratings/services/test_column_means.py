import numpy as np
import pytest

from ratings.services.column_means import column_means
from ratings.services.people_statistics import computed
from ratings.services.rating_statistics import FEW_PEOPLE, Ratings


def pile(people: int, queries: int, left: float, seed: int = 0) -> Ratings:
    """Random ratings of two of three models a ballot, in random order, the left column that much higher."""
    random = np.random.default_rng(seed)
    number = people * queries
    values, columns = np.full((number, 3), np.nan), np.zeros((number, 3), dtype=np.int64)
    for row in range(number):
        shown = random.permutation(3)[:2]
        values[row, shown] = np.clip(np.round(random.normal(3, 1, 2) + [left, 0]), 1, 5)
        columns[row, shown] = [1, 2]
    return Ratings(np.arange(number) % people, np.arange(number) // people, values, columns)


def test_a_column_s_mean_is_above_that_of_its_ballot() -> None:
    values = np.array([[5, 2, np.nan], [1, np.nan, 4], [np.nan, 3, np.nan]])
    columns = np.array([[1, 2, 0], [2, 0, 1], [0, 1, 0]])
    counts, means = column_means(Ratings(np.arange(3), np.arange(3), values, columns))
    assert counts.tolist() == [2, 2] and means.values == pytest.approx([1.5, -1.5])


def test_who_rates_the_left_column_higher_is_found_out() -> None:
    bias = computed(pile(10, 20, left=0.8), {1: 0.1, 2: 0.2, 3: 0.3}).column_bias
    assert bias is not None and [figure.column for figure in bias.biased] == [1, 2]
    assert bias.columns[0].mean == pytest.approx(0.4, abs=0.15) and (bias.people, bias.queries) == (10, 20)


def test_a_place_that_does_not_matter_is_rarely_suspected() -> None:
    found = [computed(pile(10, 12, 0, seed), {1: 0.1, 2: 0.2, 3: 0.3}).column_bias for seed in range(40)]
    assert sum(bool(bias and bias.biased) for bias in found) <= 6  # 2 expected of 40; more than 6 in 1 of 200


def test_few_people_suspect_nothing_and_the_code_says_why() -> None:
    bias = computed(pile(3, 40, left=1), {1: 0.1, 2: 0.2, 3: 0.3}).column_bias
    assert bias is not None and bias.biased == [] and bias.no_interval == FEW_PEOPLE
    assert bias.columns[0].mean > 0 and bias.columns[0].low is None


def test_without_columns_there_is_nothing_to_say() -> None:
    known = pile(5, 10, 0)
    unknown = Ratings(known.people, known.queries, known.values)
    assert computed(unknown, {1: 0.1, 2: 0.2, 3: 0.3}).column_bias is None
    nowhere = Ratings(known.people, known.queries, known.values, np.zeros_like(known.columns))
    assert computed(nowhere, {1: 0.1, 2: 0.2, 3: 0.3}).column_bias is None
