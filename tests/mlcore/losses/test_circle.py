"""Circle against equations 4 to 6 of its paper, written out with loops."""

import pytest
import torch

from mlcore.losses.circle import CircleLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, dot, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("margin", "scale"), [(0.4, 80.0), (0.25, 128.0), (0.1, 3.0)])
def test_value_and_gradients_equal_the_papers_formula(margin: float, scale: float) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        for i, row in enumerate(rows):
            total: Number = 0.0
            for p in (dot(row, rows[j]) for j in of_class(labels, i)):
                for n in (dot(row, rows[j]) for j in of_others(labels, i)):
                    weight_p, weight_n = max(0, 1 + margin - p.item()), max(0, n.item() + margin)
                    total = total + (scale * (weight_n * (n - margin) - weight_p * (p - (1 - margin)))).exp()
            if isinstance(total, torch.Tensor):
                costs.append((1 + total).log())
        return mean(costs)

    assert_equal(CircleLoss(num_classes=4, dim=5, margin=margin, scale=scale), formula)


def test_pictures_at_their_optimum_cost_almost_nothing() -> None:
    axes = torch.tensor([[1.0, 0], [1, 0], [-1, 0], [-1, 0]], dtype=torch.float64)
    cost, _ = by_loss(CircleLoss(num_classes=2, dim=2), axes, [0, 0, 1, 1])
    assert 0 < cost < 1e-5


@pytest.mark.parametrize(("arguments", "message"), [({"scale": 0.0}, "scale must be positive, got 0.0")])
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CircleLoss(num_classes=3, dim=5, **arguments)
