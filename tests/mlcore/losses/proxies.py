"""What the tests of losses with proxies share: slow cosines, drawn examples, a loss with given weights."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mlcore.losses import build_loss

Rows = Sequence[Sequence[float]]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / lengths


def cosines(embeddings: Rows, proxies: Rows) -> list[list[float]]:
    return [[cosine(row, proxy) for proxy in proxies] for row in embeddings]


def softmax_cost(logits: Rows, labels: Sequence[int]) -> float:
    """Return the mean of -log softmax at the labels."""
    costs = []
    for row, label in zip(logits, labels, strict=True):
        top = max(row)
        costs.append(math.log(math.fsum(math.exp(x - top) for x in row)) + top - row[label])
    return math.fsum(costs) / len(costs)


def example(seed: int, classes: int = 4, dim: int = 6, batch: int = 9, *centers: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return float64 embeddings [B, D] of any length, weights [C, *centers, D] and labels [B]."""
    random = torch.Generator().manual_seed(seed)
    embeddings = 3 * torch.randn(batch, dim, generator=random, dtype=torch.float64)
    weights = torch.randn(classes, *centers, dim, generator=random, dtype=torch.float64)
    return embeddings, weights, torch.randint(0, classes, (batch,), generator=random)


def loss_with(name: str, weights: Tensor, **params: object) -> nn.Module:
    """Return the loss with the given proxies or centres, in their precision."""
    loss = build_loss(name, num_classes=len(weights), dim=weights.shape[-1], **params).to(weights.dtype)
    with torch.no_grad():
        next(loss.parameters()).copy_(weights)
    return loss


def gradients_pass(loss: nn.Module, embeddings: Tensor, labels: Tensor) -> bool:
    """Check the gradients by embeddings and weights against differences."""
    ((name, weights),) = loss.named_parameters()

    def as_function(points: Tensor, values: Tensor) -> Any:
        return torch.func.functional_call(loss, {name: values}, (points, labels))

    copies = embeddings.clone().requires_grad_(), weights.detach().clone().requires_grad_()
    return torch.autograd.gradcheck(as_function, copies)


def cost_and_gradients(loss: nn.Module, embeddings: Tensor, labels: Tensor) -> tuple[float, Tensor, Tensor]:
    """Return the cost and its gradients by embeddings and by weights."""
    points = embeddings.clone().requires_grad_()
    cost = loss(points, labels)
    by_points, by_weights = torch.autograd.grad(cost, [points, next(loss.parameters())])
    return cost.item(), by_points, by_weights
