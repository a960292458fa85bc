"""Multi-Similarity with its miner against equations 11, 12 and 15 of its paper, written out with loops."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from mlcore.losses.batch import cosines_of, negatives_of, positives_of
from mlcore.losses.multi_similarity import MultiSimilarityLoss, mined
from tests.mlcore.losses.plain import IN_MEMORY, by_loss

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS: list[dict[str, float]] = [
    {"alpha": 2.0, "beta": 50.0, "base": 0.5, "epsilon": 0.1},
    {"alpha": 1.0, "beta": 5.0, "base": -0.2, "epsilon": 0.0},
    {"alpha": 20.0, "beta": 10.0, "base": 0.9, "epsilon": 0.7},
]


def formula(
    embeddings: Any,
    labels: list[int],
    *,
    alpha: float,
    beta: float,
    base: float,
    epsilon: float,
    mining: bool = True,
    memory: int = 0,
) -> Any:
    """Return the loss of embeddings[b][d], floats or float64 tensors without dimensions; the last are a memory's."""
    rows = []
    for row in embeddings:
        length = sum(x * x for x in row) ** 0.5
        rows.append([x / length for x in row])
    total: Any = 0.0
    anchors = rows[: len(rows) - memory]
    for i, anchor in enumerate(anchors):
        cosines = [sum(a * b for a, b in zip(anchor, row, strict=True)) for row in rows]
        positives = [c for j, c in enumerate(cosines) if j != i and labels[j] == labels[i]]
        negatives = [c for j, c in enumerate(cosines) if labels[j] != labels[i]]
        if not positives or not negatives:
            continue  # nothing to compare with: nothing is mined
        nearest, farthest = max(negatives), min(positives)
        if mining:
            positives = [c for c in positives if c < nearest + epsilon]
            negatives = [c for c in negatives if c > farthest - epsilon]
        pull = 1 + sum(math.e ** (-alpha * (c - base)) for c in positives)
        push = 1 + sum(math.e ** (beta * (c - base)) for c in negatives)
        total = total + log(pull) / alpha + log(push) / beta
    return total / len(anchors)


def log(x: Any) -> Any:
    return x.log() if isinstance(x, Tensor) else math.log(x)


def gradient(cost: Any, embeddings: Tensor) -> Tensor:
    """Return the gradient; 0 where the formula came to a number that no embedding has a part in."""
    if not isinstance(cost, Tensor):
        return torch.zeros_like(embeddings)
    return torch.autograd.grad(cost, embeddings)[0]


def example(seed: int, labels: list[int]) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    names = torch.tensor(labels)
    middles = torch.randn(max(labels) + 1, 5, generator=random, dtype=torch.float64)
    return middles[names] + 0.8 * torch.randn(len(labels), 5, generator=random, dtype=torch.float64), names


def loss_with(**setting: float) -> MultiSimilarityLoss:
    return MultiSimilarityLoss(num_classes=9, dim=5, **setting)


BATCHES = {"balanced": [0, 0, 0, 1, 1, 1, 2, 2, 2], "uneven": [0, 1, 1, 1, 1, 2, 2, 3], "two": [0, 0, 1, 1]}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("seed", range(4))
def test_value_and_gradients_equal_the_papers_formula(setting: dict[str, float], labels: list[int], seed: int) -> None:
    embeddings, names = example(seed, labels)
    expected = formula(embeddings.tolist(), labels, **setting)
    slow = embeddings.clone().requires_grad_()
    value = loss_with(**setting)(embeddings.requires_grad_(), names)
    assert value.item() == pytest.approx(expected, rel=0, abs=1e-9)
    by_formula = gradient(formula(slow, labels, **setting), slow)
    assert (gradient(value, embeddings) - by_formula).abs().max().item() < 1e-9


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("labels", [*BATCHES.values(), [0, 1, 2], [0, 0]], ids=str)
def test_beside_a_memory_it_equals_the_formula_on_anchors_of_the_batch(
    setting: dict[str, float], labels: list[int]
) -> None:
    whole, memory = labels + IN_MEMORY, len(IN_MEMORY)
    embeddings, _ = example(5, whole)
    value, found = by_loss(loss_with(**setting), embeddings, whole, memory)
    slow = embeddings.clone().requires_grad_()
    expected = formula(slow, whole, **setting, memory=memory)
    assert value == pytest.approx(expected.item(), rel=0, abs=1e-9)
    assert (found - gradient(expected, slow)[: len(labels)]).abs().max().item() < 1e-9


def test_the_miner_leaves_pairs_out() -> None:
    embeddings, names = example(0, BATCHES["balanced"])
    setting = {**SETTINGS[0], "epsilon": 0.0}
    whole = formula(embeddings.tolist(), names.tolist(), **setting, mining=False)
    assert abs(loss_with(**setting)(embeddings, names).item() - whole) > 1e-3


def test_gradients_pass_a_numerical_check() -> None:
    embeddings, names = example(1, BATCHES["balanced"])
    loss = loss_with(**SETTINGS[1])
    assert torch.autograd.gradcheck(lambda points: loss(points, names), (embeddings.requires_grad_(),))


def cost_and_gradient(embeddings: Tensor, labels: list[int]) -> tuple[float, Tensor]:
    points = embeddings.clone().requires_grad_()
    value = loss_with(**SETTINGS[0])(points, torch.tensor(labels))
    value.backward()
    assert points.grad is not None
    return value.item(), points.grad


@pytest.mark.parametrize(
    ("case", "labels"), [("all easy", [0, 0, 1, 1]), ("one class", [0, 0, 0, 0]), ("no positives", [0, 1, 2, 3])]
)
def test_a_batch_in_which_nothing_is_mined_costs_nothing_and_trains_nothing(case: str, labels: list[int]) -> None:
    axis = torch.tensor([1.0, 0, 0, 0, 0])
    embeddings = torch.stack([axis, axis, -axis, -axis]) if case == "all easy" else torch.randn(4, 5)
    cost, gradient = cost_and_gradient(embeddings, labels)
    assert cost == 0
    assert (gradient == 0).all()


def test_a_single_mined_pair_of_each_kind_counts() -> None:
    # pytorch-metric-learning's own forward takes such a batch for an empty one.
    embeddings, names = example(2, [0, 0, 1, 1, 2])
    loss = loss_with(**SETTINGS[0])
    chosen = mined(cosines_of(embeddings), positives_of(names), negatives_of(names), SETTINGS[0]["epsilon"])
    assert [int(kind.sum()) for kind in chosen] == [1, 1]
    expected = formula(embeddings.tolist(), names.tolist(), **SETTINGS[0])
    assert expected > 0.05
    assert loss(embeddings, names).item() == pytest.approx(expected, rel=0, abs=1e-9)


def test_a_picture_that_is_twice_in_a_batch_is_no_trouble() -> None:
    embeddings, names = example(3, [0, 0, 1, 1, 2, 2])
    embeddings[1], embeddings[5] = embeddings[0], embeddings[2]  # twice in its class; the same under two labels
    cost, gradient = cost_and_gradient(embeddings, names.tolist())
    assert cost == pytest.approx(formula(embeddings.tolist(), names.tolist(), **SETTINGS[0]), abs=1e-9)
    assert torch.isfinite(gradient).all()


def test_rows_need_not_be_normalised() -> None:
    embeddings, names = example(4, BATCHES["balanced"])
    lengths = torch.linspace(0.1, 7, len(embeddings), dtype=torch.float64)[:, None]
    loss = loss_with(**SETTINGS[0])
    assert loss(embeddings * lengths, names).item() == pytest.approx(loss(embeddings, names).item(), abs=1e-9)
