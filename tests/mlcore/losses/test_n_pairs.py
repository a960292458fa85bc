"""N-pairs against the formula of its paper, written out with loops."""

import math

import pytest
import torch

from mlcore.losses.n_pairs import NPairsLoss
from tests.mlcore.losses.plain import Number, Row, assert_equal, by_loss, dot, mean

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("scale", [1.0, 20.0, 64.0])
def test_value_and_gradients_equal_the_papers_formula(scale: float) -> None:
    def formula(rows: list[Row], labels: list[int]) -> Number:
        costs = []
        members = [[i for i, label in enumerate(labels) if label == name] for name in sorted(set(labels))]
        for first in range(0, len(labels), 2):
            pairs = [own[first : first + 2] for own in members if len(own) >= first + 2]
            for anchor, positive in pairs if len(pairs) > 1 else []:
                own = dot(rows[anchor], rows[positive])
                others = [dot(rows[anchor], rows[other]) for _, other in pairs if other != positive]
                costs.append((1 + sum((scale * (other - own)).exp() for other in others)).log())
        return mean(costs)

    assert_equal(NPairsLoss(num_classes=4, dim=5, scale=scale), formula)


def test_four_pictures_a_class_make_two_rounds() -> None:
    rows = torch.eye(2, dtype=torch.float64).repeat_interleave(4, dim=0)
    rows[3] = -rows[3]  # the positive of the first class's second pair, which the first pair does not meet
    cost, gradient = by_loss(NPairsLoss(num_classes=2, dim=2, scale=1.0), rows, [0] * 4 + [1] * 4)
    by_pair = [math.log(1 + math.exp(negative - positive)) for positive, negative in [(1, 0), (1, 0), (-1, 0), (1, 0)]]
    assert cost == pytest.approx(sum(by_pair) / 4, abs=1e-12)
    assert torch.isfinite(gradient).all()


def test_classes_that_are_apart_cost_almost_nothing() -> None:
    rows = torch.eye(32, dtype=torch.float64).repeat_interleave(2, dim=0)
    labels = torch.arange(32).repeat_interleave(2).tolist()
    assert by_loss(NPairsLoss(num_classes=32, dim=32), rows, labels)[0] < 1e-6
    assert by_loss(NPairsLoss(num_classes=32, dim=32, scale=1.0), rows, labels)[0] > 2.5


@pytest.mark.parametrize(("arguments", "message"), [({"scale": 0.0}, "scale must be positive, got 0.0")])
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NPairsLoss(num_classes=3, dim=5, **arguments)
