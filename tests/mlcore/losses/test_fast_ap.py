"""FastAP against the histogram of its paper, written out with loops."""

import pytest
import torch

from mlcore.losses.fast_ap import FastApLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, distance, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("bins", [1, 4, 10, 25])
def test_value_and_gradients_equal_the_papers_formula(bins: int) -> None:
    width = 4 / bins

    def share(squared: Number, edge: int) -> Number:
        away = abs(squared - edge * width) / width
        return 1 - away if away < 1 else 0 * away

    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        for i, row in enumerate(rows):
            positives = [distance(row, rows[j]) ** 2 for j in of_class(labels, i)]
            negatives = [distance(row, rows[j]) ** 2 for j in of_others(labels, i)]
            if not positives or not negatives:
                continue
            average: Number = 0.0
            good: Number = 0.0
            every: Number = 0.0
            for edge in range(bins + 1):
                here = sum(share(d, edge) for d in positives)
                good, every = good + here, every + here + sum(share(d, edge) for d in negatives)
                if every > 0:
                    average = average + here * good / every
            costs.append(1 - average / len(positives))
        return mean(costs)

    assert_equal(FastApLoss(num_classes=4, dim=5, bins=bins), formula)


def test_a_perfect_ranking_costs_nothing_and_a_reversed_one_as_average_precision_does() -> None:
    loss = FastApLoss(num_classes=2, dim=2)
    rows = torch.tensor([[1.0, 0], [1, 0], [-1, 0], [-1, 0]], dtype=torch.float64)
    assert by_loss(loss, rows, [0, 0, 1, 1])[0] == pytest.approx(0, abs=1e-12)
    # Every picture's twin is a stranger; its positive shares the last place with another stranger.
    assert by_loss(loss, rows, [0, 1, 0, 1])[0] == pytest.approx(1 - 1 / 3, abs=1e-12)


@pytest.mark.parametrize(("arguments", "message"), [({"bins": 0}, "bins must be at least 1, got 0")])
def test_wrong_arguments_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FastApLoss(num_classes=3, dim=5, **arguments)
