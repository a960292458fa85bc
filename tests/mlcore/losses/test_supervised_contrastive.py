"""Supervised contrastive against equation 2 of its paper, written out with loops."""

import math

import pytest
import torch

from mlcore.losses.supervised_contrastive import SupervisedContrastiveLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, dot, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("temperature", [0.05, 0.1, 1.0])
def test_value_and_gradients_equal_the_papers_formula(temperature: float) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        for i, row in enumerate(rows):
            positives, negatives = of_class(labels, i), of_others(labels, i)
            if positives and negatives:
                everyone = sum((dot(row, rows[j]) / temperature).exp() for j in positives + negatives)
                costs.append(-mean([((dot(row, rows[j]) / temperature).exp() / everyone).log() for j in positives]))
        return mean(costs)

    assert_equal(SupervisedContrastiveLoss(num_classes=4, dim=5, temperature=temperature), formula)


def test_other_positives_are_compared_with_too() -> None:
    rows = torch.tensor([[1.0, 0], [1, 0], [1, 0], [-1, 0]], dtype=torch.float64)
    cost, _ = by_loss(SupervisedContrastiveLoss(num_classes=2, dim=2), rows, [0, 0, 0, 1])
    assert cost == pytest.approx(math.log(2), abs=1e-6)  # two positives share what is sure


@pytest.mark.parametrize(("arguments", "message"), [({"temperature": 0.0}, "temperature must be positive, got 0.0")])
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SupervisedContrastiveLoss(num_classes=3, dim=5, **arguments)
