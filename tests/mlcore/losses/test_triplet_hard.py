"""Hard triplets against equation 5 of their paper, written out with loops."""

import pytest
import torch

from mlcore.losses.triplet_hard import TripletHardLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, distance, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("margin", [0.05, 0.2, 1.5])
def test_value_and_gradients_equal_the_papers_formula(margin: float) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        for i, row in enumerate(rows):
            positives = [distance(row, rows[j]) for j in of_class(labels, i)]
            negatives = [distance(row, rows[j]) for j in of_others(labels, i)]
            if positives and negatives:
                cost = margin + max(positives) - min(negatives)
                costs.append(cost if cost > 0 else 0 * cost)
        return mean(costs)

    assert_equal(TripletHardLoss(num_classes=4, dim=5, margin=margin), formula)


def test_a_point_to_which_all_fell_costs_the_margin_and_moves_nothing() -> None:
    cost, gradient = by_loss(TripletHardLoss(num_classes=2, dim=2), torch.ones(4, 2, dtype=torch.float64), [0, 0, 1, 1])
    assert cost == pytest.approx(0.2, abs=1e-12) and (gradient == 0).all()


@pytest.mark.parametrize(("arguments", "message"), [({"margin": 0.0}, "margin must be positive, got 0.0")])
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TripletHardLoss(num_classes=3, dim=5, **arguments)
