"""The curve of the expected best trial is what drawing trials at random gives."""

from itertools import product
from statistics import fmean

import pytest

from mlcore.comparison.best_of_n import expected_best, running_best


@pytest.mark.parametrize("scores", [[0.3], [0.1, 0.4, 0.2, 0.3], [0.5, 0.1, 0.5, 0.0], [0.2] * 3])
def test_the_expected_best_of_n_is_the_mean_over_all_ways_to_draw_n_with_replacement(scores: list[float]) -> None:
    for n, found in enumerate(expected_best(scores), 1):
        assert found == pytest.approx(fmean(max(drawn) for drawn in product(scores, repeat=n)))


def test_the_curve_begins_at_the_mean_rises_and_depends_on_no_order() -> None:
    scores = [0.1, 0.7, 0.3, 0.2, 0.6]
    found = expected_best(scores)
    assert found[0] == pytest.approx(fmean(scores)) and found == sorted(found) and found[-1] < max(scores)
    assert found == expected_best(scores[::-1]) and expected_best([]) == []


def test_the_running_best_is_the_search_as_it_went() -> None:
    assert running_best([0.1, 0.3, 0.2, 0.4]) == [0.1, 0.3, 0.3, 0.4]
