"""The measures against slow plain formulas, and the interval against a known truth."""

from math import log2

import numpy as np
import pytest

from mlcore.evaluation.judged_metrics import judged_metrics, mean_judged_metrics, query_interval


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
    values = judged_metrics(grades, run)
    for place, (query, images) in enumerate(run.items()):
        assert values["ndcg"][place] == pytest.approx(plain_ndcg(grades[query], images), abs=1e-9)
        assert values["bpref"][place] == pytest.approx(plain_bpref(grades[query], images), abs=1e-9)
        share = sum(image in grades[query] for image in images) / len(images)
        assert values["judged"][place] == pytest.approx(share)


def test_a_query_without_a_relevant_picture_or_without_results_counts_nothing() -> None:
    values = judged_metrics({1: {5: 0}, 2: {5: 2}, 3: {5: 2}}, {1: [5, 6], 2: [], 3: [5]})
    assert values == {"ndcg": [0, 0, 1], "judged": [0.5, 0, 1], "bpref": [0, 0, 1]}


def test_means_are_over_the_judged_queries_of_the_run() -> None:
    means = mean_judged_metrics({1: {5: 2}, 2: {6: 1}, 3: {7: 1}}, {1: [5], 2: [9], 4: [5]})
    assert means == {"ndcg": 0.5, "low": None, "high": None, "judged": 0.5, "bpref": 0.5, "queries": 2}
    assert mean_judged_metrics({1: {5: 2}}, {4: [5]}) is None


def test_an_interval_needs_ten_queries_and_is_never_a_point() -> None:
    assert query_interval([0.5] * 9) is None
    assert query_interval([1.0] * 10) == (pytest.approx(0.025**0.1), 1)
    assert query_interval([0.0] * 10) == (0, pytest.approx(1 - 0.025**0.1))


@pytest.mark.parametrize("queries", [10, 40])
@pytest.mark.parametrize("shape", [(0.2, 0.3, 3, 2), (0.02, 0.6, 4, 1), (0.6, 0.05, 1, 3)])
def test_intervals_cover_the_mean_of_other_queries(queries: int, shape: tuple[float, float, int, int]) -> None:
    """nDCG piles up at 0 and 1. Of the shares at 0 and 1 and a beta between: in the middle, high, low."""
    nothing, everything, first, second = shape
    random, repeats, between = np.random.default_rng(0), 1000, 1 - nothing - everything
    truth = everything + between * first / (first + second)
    covered = 0
    for _ in range(repeats):
        values = random.choice([0.0, 1.0, np.nan], size=queries, p=[nothing, everything, between])
        values = np.where(np.isnan(values), random.beta(first, second, queries), values)
        low, high = query_interval([float(value) for value in values]) or (1, 0)
        covered += low <= truth <= high
    assert 0.905 <= covered / repeats <= 0.98  # .92 to .97, less two binomial errors
