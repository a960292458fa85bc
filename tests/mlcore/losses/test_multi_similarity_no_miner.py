"""Multi-Similarity on all pairs against equation 15 of its paper, written out with loops."""

import pytest
import torch

from mlcore.losses.multi_similarity import MultiSimilarityLoss
from mlcore.losses.multi_similarity_no_miner import MultiSimilarityNoMinerLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, dot, example, of_class, of_others

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("alpha", "beta", "base"), [(2.0, 50.0, 0.5), (1.0, 5.0, -0.2), (20.0, 10.0, 0.9)])
def test_value_and_gradients_equal_the_papers_formula(alpha: float, beta: float, base: float) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        for i, row in enumerate(rows):
            pulls = [(-alpha * (dot(row, rows[j]) - base)).exp() for j in of_class(labels, i)]
            pushes = [(beta * (dot(row, rows[j]) - base)).exp() for j in of_others(labels, i)]
            costs += [(1 + sum(side)).log() / sharp for side, sharp in ((pulls, alpha), (pushes, beta)) if side]
        return sum(costs) / len(rows)

    assert_equal(MultiSimilarityNoMinerLoss(num_classes=4, dim=5, alpha=alpha, beta=beta, base=base), formula)


def test_two_pictures_are_not_taken_for_none() -> None:
    # pytorch-metric-learning's own forward gives 0 for a batch of one pair.
    cost, _ = by_loss(MultiSimilarityNoMinerLoss(num_classes=2, dim=2), torch.tensor([[1.0, 0], [1, 0]]), [0, 1])
    assert cost == pytest.approx(0.5, abs=1e-6)


def test_it_is_not_the_loss_with_its_miner() -> None:
    labels = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    embeddings = example(labels)
    without, _ = by_loss(MultiSimilarityNoMinerLoss(num_classes=3, dim=5), embeddings, labels)
    mined, _ = by_loss(MultiSimilarityLoss(num_classes=3, dim=5, epsilon=0.0), embeddings, labels)
    assert without > mined + 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"alpha": 0.0}, "alpha must be positive, got 0.0"), ({"beta": -1.0}, "beta must be positive, got -1.0")],
)
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultiSimilarityNoMinerLoss(num_classes=3, dim=5, **arguments)
