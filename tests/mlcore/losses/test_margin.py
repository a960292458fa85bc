"""Margin against its paper: its formula with loops where nothing is left to draw, and the law of the draw."""

import math

import pytest
import torch

from mlcore.losses.margin import MarginLoss, distance_log_weights, draw
from tests.mlcore.losses.plain import Number, Row, by_formula, by_loss, distance, example, of_class

pytestmark = pytest.mark.usefixtures("one_thread")


def hinges(rows: list[Row], labels: list[int], beta: float, margin: float) -> Number:
    """Return the loss where the others are of one class with one picture: there is one negative to draw."""
    costs = []
    for i, row in enumerate(rows):
        other = [j for j, label in enumerate(labels) if label != labels[i]]
        for j in of_class(labels, i) if other else []:
            costs.append(margin + distance(row, rows[j]) - beta)
            costs.append(margin + beta - distance(row, rows[other[0]]))
    costly = [cost for cost in costs if cost > 0]
    return sum(costly) / len(costly) if costly else 0.0


@pytest.mark.parametrize(("beta", "margin"), [(1.2, 0.2), (0.5, 0.1), (0.9, 0.9)])
@pytest.mark.parametrize(
    ("labels", "memory"),
    [([0, 0, 0, 1], 0), ([0, 1], 0), ([0, 0, 0], 0), ([0], 0), ([0, 0, 0, 1], 2), ([0, 1], 1), ([0, 0], 1)],
    ids=str,
)
@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradients_equal_the_papers_formula(
    beta: float, margin: float, labels: list[int], memory: int, seed: int
) -> None:
    embeddings, loss = example(labels, seed), MarginLoss(num_classes=2, dim=5, beta=beta, margin=margin)
    expected = by_formula(lambda rows, names: hinges(rows, names, beta, margin), embeddings, labels, memory)
    found = by_loss(loss, embeddings, labels, memory)
    assert found[0] == pytest.approx(expected[0], rel=0, abs=1e-9)
    assert (found[1] - expected[1]).abs().max().item() < 1e-9


def test_weights_are_one_over_the_density_of_distances() -> None:
    for dim in (3, 8, 128):
        for one in (0.2, 0.5, 0.9, 1.3):
            near = max(one, 0.5)  # the paper's cut-off
            density = (dim - 2) * math.log(near) + (dim - 3) / 2 * math.log(1 - near**2 / 4)
            found = distance_log_weights(torch.tensor(one, dtype=torch.float64), dim)
            assert found.item() == pytest.approx(-density, rel=0, abs=1e-9)


def test_draws_follow_the_weights() -> None:
    torch.manual_seed(0)
    shares = torch.tensor([0.0, 0.1, 0.6, 0.3], dtype=torch.float64)
    drawn = torch.bincount(draw(shares.log().expand(20_000, 4)), minlength=4) / 20_000
    assert drawn[0] == 0 and (drawn - shares).abs().max() < 0.02


def test_the_seed_repeats_the_draw() -> None:
    labels = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    embeddings = example(labels, spread=3.0)
    loss = MarginLoss(num_classes=3, dim=5)
    costs = []
    for seed in [0, 1, 2, 3, 0, 1, 2, 3]:
        torch.manual_seed(seed)
        costs.append(by_loss(loss, embeddings, labels)[0])
    assert costs[:4] == costs[4:] and len(set(costs)) > 1


def test_only_negatives_within_reach_are_drawn() -> None:
    # A quarter turn (1.414) is beyond 1.2 + 0.2, so the near picture is the only one to draw.
    rows = torch.tensor([[1.0, 0, 0], [1, 0, 0], [0.6, 0.8, 0], [0, 0, 1]], dtype=torch.float64)
    for seed in range(20):
        torch.manual_seed(seed)
        cost, _ = by_loss(MarginLoss(num_classes=3, dim=3), rows, [0, 0, 1, 2])
        assert cost == pytest.approx(1.4 - 0.8**0.5, abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"beta": 0.0}, "beta must be positive, got 0.0"), ({"margin": -0.1}, "margin must be positive, got -0.1")],
)
def test_wrong_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MarginLoss(num_classes=3, dim=5, **arguments)
