"""Slow plain Python that losses are held against, and the batches they are held on.

A row is a list of numbers; a number is a float64 tensor without dimensions, so that a formula
written with loops can be differentiated too.
"""

from collections.abc import Callable, Iterator, Sequence
from inspect import signature
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mlcore.losses.batch import Memory

Number = Any
Row = list[Number]
Formula = Callable[[list[Row], list[int]], Number]

# By classes: sizes equal, sizes different with pictures alone in their class, and nothing to compare with.
BATCHES = {
    "balanced": [0, 0, 0, 1, 1, 1, 2, 2, 2],
    "uneven": [0, 1, 1, 2, 1, 1, 2, 3, 2],
    "mixed": [1, 0, 0, 1],
    "one class": [0, 0, 0, 0],
    "no positives": [0, 1, 2, 3],
    "one picture": [0],
}
# Behind each batch for losses that take a memory; class 4 is in no batch.
IN_MEMORY = [0, 2, 1, 0, 4, 4]


class Beside(list[Row]):
    """The rows of a batch, which a formula goes over, and behind them a memory's, which only an index reaches."""

    def __init__(self, rows: Sequence[Row], anchors: int) -> None:
        super().__init__(rows)
        self.anchors = anchors

    def __iter__(self) -> Iterator[Row]:
        return iter(self[: self.anchors])

    def __len__(self) -> int:
        return self.anchors


def dot(one: Row, other: Row) -> Number:
    return sum(a * b for a, b in zip(one, other, strict=True))


def unit(row: Row) -> Row:
    length = dot(row, row) ** 0.5
    return [x / length for x in row]


def distance(one: Row, other: Row) -> Number:
    difference = [a - b for a, b in zip(one, other, strict=True)]
    return dot(difference, difference) ** 0.5


def of_class(labels: list[int], i: int) -> list[int]:
    """Return the other pictures of i's class."""
    return [j for j, label in enumerate(labels) if label == labels[i] and j != i]


def of_others(labels: list[int], i: int) -> list[int]:
    return [j for j, label in enumerate(labels) if label != labels[i]]


def mean(numbers: list[Number]) -> Number:
    """Return the mean; 0 of nothing."""
    return sum(numbers) / len(numbers) if numbers else 0.0


def example(labels: list[int], seed: int = 0, spread: float = 0.8) -> Tensor:
    """Return embeddings [B, 5] in float64, not of unit length, around one middle a class."""
    random = torch.Generator().manual_seed(seed)
    middles = torch.randn(max(labels) + 1, 5, generator=random, dtype=torch.float64)
    return middles[torch.tensor(labels)] + spread * torch.randn(len(labels), 5, generator=random, dtype=torch.float64)


def value_and_gradient(cost: Number, embeddings: Tensor) -> tuple[float, Tensor]:
    """Return both; no gradient where a formula came to a number that no embedding has a part in."""
    if not isinstance(cost, Tensor) or not cost.requires_grad:
        return float(cost), torch.zeros_like(embeddings)
    return cost.item(), torch.autograd.grad(cost, embeddings)[0]


def by_formula(formula: Formula, embeddings: Tensor, labels: list[int], memory: int = 0) -> tuple[float, Tensor]:
    """Return value and gradient; the last `memory` rows are a memory's, which the formula may only compare with."""
    points, remembered = _apart(embeddings, memory)
    rows = [unit(list(row)) for row in (*points, *remembered)]
    return value_and_gradient(formula(Beside(rows, len(points)), labels), points)


def by_loss(loss: nn.Module, embeddings: Tensor, labels: list[int], memory: int = 0) -> tuple[float, Tensor]:
    points, remembered = _apart(embeddings, memory)
    names = torch.tensor(labels)
    beside = [Memory(remembered, names[len(points) :])] if memory else []
    cost = loss(points, names[: len(points)], *beside)
    assert cost.shape == () and cost.requires_grad, "a batch with nothing to learn has to go backward too"
    return value_and_gradient(cost, points)


def _apart(embeddings: Tensor, memory: int) -> tuple[Tensor, Tensor]:
    batch = len(embeddings) - memory
    return embeddings[:batch].clone().requires_grad_(), embeddings[batch:]


def assert_equal(loss: nn.Module, formula: Formula, *, spread: float = 0.8) -> None:
    """Check value and gradients of a loss on every batch, also beside a memory if it takes one.

    The formula takes rows of unit length.
    """
    memories: list[list[int]] = [[], IN_MEMORY] if "memory" in signature(loss.forward).parameters else [[]]
    for name, labels in BATCHES.items():
        for seed in range(3):
            for behind in memories:
                embeddings = example(labels + behind, seed, spread)
                expected, expected_gradient = by_formula(formula, embeddings, labels + behind, len(behind))
                found, gradient = by_loss(loss, embeddings, labels + behind, len(behind))
                assert found == pytest.approx(expected, rel=0, abs=1e-9), (name, seed, behind)
                assert (gradient - expected_gradient).abs().max().item() < 1e-9, (name, seed, behind)
