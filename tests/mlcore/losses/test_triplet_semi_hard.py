"""Semi-hard triplets against equations 3 and 4 of their paper, written out with loops."""

import pytest
import torch

from mlcore.losses.triplet_semi_hard import TripletSemiHardLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, distance, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("margin", [0.05, 0.2, 1.5])
def test_value_and_gradients_equal_the_papers_formula(margin: float) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        for i, row in enumerate(rows):
            for j in of_class(labels, i):
                near = distance(row, rows[j]) ** 2
                farther = [d for d in (distance(row, rows[k]) ** 2 for k in of_others(labels, i)) if d > near]
                if farther:
                    cost = near - min(farther) + margin
                    costs.append(cost if cost > 0 else 0 * cost)
        return mean(costs)

    assert_equal(TripletSemiHardLoss(num_classes=4, dim=5, margin=margin), formula)


def test_a_negative_nearer_than_the_positive_is_not_taken() -> None:
    rows = torch.tensor([[1.0, 0], [0, 1], [0.8, 0.6]], dtype=torch.float64)
    cost, gradient = by_loss(TripletSemiHardLoss(num_classes=2, dim=2), rows, [0, 0, 1])
    assert cost == 0 and (gradient == 0).all()


@pytest.mark.parametrize(("arguments", "message"), [({"margin": 0.0}, "margin must be positive, got 0.0")])
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TripletSemiHardLoss(num_classes=3, dim=5, **arguments)
