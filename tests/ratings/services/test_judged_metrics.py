"""The measures against slow plain formulas, and the interval against a known truth."""

from math import log2, sqrt

import numpy as np
import pytest

from ratings.services.judged_metrics import mean_interval, measured


def plain_ndcg(grades: dict[int, int], images: list[int]) -> float:
    gains = [grades.get(image, 0) / log2(place + 2) for place, image in enumerate(images[:8])]
    ideal = [grade / log2(place + 2) for place, grade in enumerate(sorted(grades.values(), reverse=True)[:8])]
    return sum(gains) / sum(ideal) if sum(ideal) else 0.0


def plain_bpref(grades: dict[int, int], images: list[int]) -> float:
    """Buckley and Voorhees, SIGIR 2004, with the smaller of both numbers in the denominator, as trec_eval."""
    relevant = {image for image, grade in grades.items() if grade >= 1}
    others = grades.keys() - relevant
    total, above = 0.0, 0
    for image in images:
        if image in others:
            above += 1
        elif image in relevant:
            total += 1 - (min(above, len(relevant)) / min(len(relevant), len(others)) if above else 0)
    return total / len(relevant) if relevant else 0.0


@pytest.mark.parametrize("seed", range(5))
def test_measures_are_their_formulas(seed: int) -> None:
    random = np.random.default_rng(seed)
    run = {query: [int(one) for one in random.permutation(20)[: 8 if query else 3]] for query in range(6)}
    grades = {
        query: {int(image): int(random.integers(0, 3)) for image in random.permutation(20)[:9]} for query in range(6)
    }
    values = measured(grades, run)
    for place, (query, images) in enumerate(run.items()):
        assert values["ndcg"][place] == pytest.approx(plain_ndcg(grades[query], images), abs=1e-9)
        assert values["bpref"][place] == pytest.approx(plain_bpref(grades[query], images), abs=1e-9)
        share = sum(image in grades[query] for image in images) / len(images)
        assert values["judged"][place] == pytest.approx(share)


def test_a_query_without_a_relevant_picture_or_without_results_counts_nothing() -> None:
    values = measured({1: {5: 0}, 2: {5: 2}, 3: {5: 2}}, {1: [5, 6], 2: [], 3: [5]})
    assert values == {"ndcg": [0, 0, 1], "judged": [0.5, 0, 1], "bpref": [0, 0, 1]}


def test_an_interval_needs_ten_queries_and_stays_within_bounds() -> None:
    assert mean_interval([0.5] * 9) is None and mean_interval([1.0] * 10) == (1, 1)
    assert mean_interval([0.0] * 9 + [1.0]) == (0, pytest.approx(0.1 + 2.262 * sqrt(0.1) / sqrt(10), abs=1e-3))


@pytest.mark.parametrize("queries", [10, 40])
def test_intervals_cover_the_mean_of_other_queries(queries: int) -> None:
    """nDCG piles up at 0 and 1: a fifth of the queries finds nothing, three tenths everything."""
    random, repeats = np.random.default_rng(0), 2000
    truth = 0.3 + 0.5 * 0.6
    covered = 0
    for _ in range(repeats):
        values = random.choice([0.0, 1.0, np.nan], size=queries, p=[0.2, 0.3, 0.5])
        values = np.where(np.isnan(values), random.beta(3, 2, queries), values)
        low, high = mean_interval([float(value) for value in values]) or (1, 0)
        covered += low <= truth <= high
    assert 0.92 <= covered / repeats <= 0.98
