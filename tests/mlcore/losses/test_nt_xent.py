"""NT-Xent against equation 1 of its paper, written out with loops."""

import math

import pytest
import torch

from mlcore.losses.nt_xent import NtXentLoss
from mlcore.losses.supervised_contrastive import SupervisedContrastiveLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, dot, example, mean, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("temperature", [0.07, 0.2, 1.0])
def test_value_and_gradients_equal_the_papers_formula(temperature: float) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        for i, row in enumerate(rows):
            others = [(dot(row, rows[j]) / temperature).exp() for j in of_others(labels, i)]
            for j in of_class(labels, i) if others else []:
                positive = (dot(row, rows[j]) / temperature).exp()
                costs.append(-(positive / (positive + sum(others))).log())
        return mean(costs)

    assert_equal(NtXentLoss(num_classes=4, dim=5, temperature=temperature), formula)


def test_with_two_pictures_a_class_it_is_the_supervised_contrastive_loss() -> None:
    labels = [0, 1, 2, 0, 1, 2]
    embeddings = example(labels)
    one, _ = by_loss(NtXentLoss(num_classes=3, dim=5, temperature=0.1), embeddings, labels)
    other, _ = by_loss(SupervisedContrastiveLoss(num_classes=3, dim=5, temperature=0.1), embeddings, labels)
    assert one == pytest.approx(other, abs=1e-12)


def test_a_pair_lost_among_near_negatives_keeps_its_whole_cost() -> None:
    # pytorch-metric-learning's logarithm of a quotient stops at the smallest number.
    rows = torch.tensor([[1.0, 0], [-1, 0], [1, 0]], dtype=torch.float32)
    cost, gradient = by_loss(NtXentLoss(num_classes=2, dim=2, temperature=0.01), rows, [0, 0, 1])
    assert cost == pytest.approx((200 + math.log(2)) / 2, rel=1e-5) and torch.isfinite(gradient).all()


@pytest.mark.parametrize(("arguments", "message"), [({"temperature": 0.0}, "temperature must be positive, got 0.0")])
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NtXentLoss(num_classes=3, dim=5, **arguments)
