"""Ranked list against its paper's two halves, written out with loops."""

import math

import pytest
import torch

from mlcore.losses.ranked_list import RankedListLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, distance, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("boundary", "margin", "temperature"), [(1.2, 0.4, 10.0), (1.2, 0.4, 0.0), (0.8, 0.2, 50.0), (2.0, 1.9, 1.0)]
)
def test_value_and_gradients_equal_the_papers_formula(boundary: float, margin: float, temperature: float) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        for q, row in enumerate(rows):
            far = [distance(row, rows[i]) - (boundary - margin) for i in of_class(labels, q)]
            near = [boundary - distance(row, rows[j]) for j in of_others(labels, q)]
            near = [violation for violation in near if violation > 0]
            weights = [math.exp(temperature * violation.item()) for violation in near]
            push = sum(w * violation for w, violation in zip(weights, near, strict=True)) / sum(weights) if near else 0
            costs.append(mean([violation for violation in far if violation > 0]) + push)
        return mean(costs)

    loss = RankedListLoss(num_classes=4, dim=5, boundary=boundary, margin=margin, temperature=temperature)
    assert_equal(loss, formula)


def test_a_class_may_fill_its_ball() -> None:
    inside = 2 * math.asin(0.79 / 2)  # an angle whose chord is just under boundary - margin
    rows = torch.tensor([[1.0, 0], [math.cos(inside), math.sin(inside)], [-1, 0]], dtype=torch.float64)
    cost, gradient = by_loss(RankedListLoss(num_classes=2, dim=2), rows, [0, 0, 1])
    assert cost == 0 and not gradient.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"boundary": 0.0}, "boundary must be positive, got 0.0"),
        ({"margin": -0.1}, "margin must be positive, got -0.1"),
        ({"temperature": -1.0}, "temperature must be at least 0, got -1.0"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RankedListLoss(num_classes=3, dim=5, **arguments)
