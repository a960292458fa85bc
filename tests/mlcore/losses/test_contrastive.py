"""Contrastive against equation 4 of its paper and against pytorch-metric-learning, written out with loops."""

from typing import Any

import pytest
import torch
from pytorch_metric_learning import losses

from mlcore.losses.contrastive import ContrastiveLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, distance, example, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


MARGINS = [(0.0, 0.5), (0.3, 1.5), (0.0, 2.0)]


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize(("positive_margin", "negative_margin"), MARGINS)
def test_value_and_gradients_equal_the_formula(positive_margin: float, negative_margin: float, power: int) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        pulls, pushes = [], []
        for i, row in enumerate(rows):
            far = [distance(row, rows[j]) - positive_margin for j in of_class(labels, i)]
            near = [negative_margin - distance(row, rows[j]) for j in of_others(labels, i)]
            pulls += [lack**power / power for lack in far if lack > 0]
            pushes += [lack**power / power for lack in near if lack > 0]
        return mean(pulls) + mean(pushes)

    margins = {"positive_margin": positive_margin, "negative_margin": negative_margin}
    assert_equal(ContrastiveLoss(num_classes=4, dim=5, **margins, power=power), formula)


@pytest.mark.parametrize("labels", [[0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 1, 1, 2, 1, 1, 2, 3, 2]])
@pytest.mark.parametrize(("positive_margin", "negative_margin"), MARGINS)
def test_its_default_is_the_loss_of_pytorch_metric_learning(
    positive_margin: float, negative_margin: float, labels: list[int]
) -> None:
    theirs = losses.ContrastiveLoss(pos_margin=positive_margin, neg_margin=negative_margin)
    own = ContrastiveLoss(num_classes=4, dim=5, positive_margin=positive_margin, negative_margin=negative_margin)
    expected, gradient = by_loss(theirs, example(labels), labels)
    cost, slope = by_loss(own, example(labels), labels)
    assert cost == pytest.approx(expected, rel=1e-12) and torch.allclose(slope, gradient, rtol=1e-9, atol=1e-12)


def test_pairs_beyond_both_margins_cost_nothing() -> None:
    axes = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 2]], dtype=torch.float64)
    cost, gradient = by_loss(ContrastiveLoss(num_classes=2, dim=2), axes, [0, 0, 1, 1])
    assert cost == 0 and (gradient == 0).all()


def test_a_negative_pair_counts_by_itself_however_many_cost_nothing() -> None:
    near = torch.tensor([[1.0, 0, 0], [0.96, 0.28, 0], [0, 0, 1], [0, 0, -1]], dtype=torch.float64)
    cost, _ = by_loss(ContrastiveLoss(num_classes=4, dim=3), near, [0, 1, 2, 3])
    assert cost == pytest.approx(0.5 - (0.04**2 + 0.28**2) ** 0.5, abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"negative_margin": 0.0}, "negative_margin must be above positive_margin, 0.0, got 0.0"),
        ({"power": 3}, "power must be 1 or 2, got 3"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ContrastiveLoss(num_classes=3, dim=5, **arguments)
