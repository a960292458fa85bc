"""Generalised lifted structure against its formula, written out with loops."""

import pytest
import torch

from mlcore.losses.lifted_structure import LiftedStructureLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, distance, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("margin", [0.0, 0.2, 1.0])
def test_value_and_gradients_equal_the_papers_formula(margin: float) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        for i, row in enumerate(rows):
            far = [distance(row, rows[j]).exp() for j in of_class(labels, i)]
            near = [(margin - distance(row, rows[j])).exp() for j in of_others(labels, i)]
            if far and near:
                cost = sum(far).log() + sum(near).log()
                costs.append(cost if cost > 0 else 0 * cost)
        return mean(costs)

    assert_equal(LiftedStructureLoss(num_classes=4, dim=5, margin=margin), formula)


def test_classes_farther_apart_than_the_margin_cost_nothing() -> None:
    axes = torch.tensor([[1.0, 0], [1, 0], [-1, 0]], dtype=torch.float64)
    cost, gradient = by_loss(LiftedStructureLoss(num_classes=2, dim=2), axes, [0, 0, 1])
    assert cost == 0 and (gradient == 0).all()
