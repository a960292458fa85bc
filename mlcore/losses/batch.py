"""What the losses on pairs, triplets and rankings share: who is near whom within a batch of B pictures."""

import torch
from torch import Tensor
from torch.nn import functional as F


def require_positive(**values: float) -> None:
    """Raise ValueError, by name, for a value that is not above 0."""
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")


def cosines_of(embeddings: Tensor) -> Tensor:
    """Return the cosines [B, B] between the rows of embeddings [B, D], normalised or not."""
    unit = F.normalize(embeddings, dim=-1)
    return unit @ unit.T


def distances_of(embeddings: Tensor) -> Tensor:
    """Return the Euclidean distances [B, B], 0 to 2, between the directions of embeddings [B, D].

    The root of 0 has an infinite slope: distances lost in rounding are 0 and have none.
    """
    squared = 2 - 2 * cosines_of(embeddings)
    apart = squared > 4 * torch.finfo(squared.dtype).eps
    return torch.where(apart, torch.where(apart, squared, 1).sqrt(), 0)


def positives_of(labels: Tensor) -> Tensor:
    """Return [B, B], true for two different pictures of one class."""
    same = labels[:, None] == labels[None, :]
    return same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)


def negatives_of(labels: Tensor) -> Tensor:
    """Return [B, B], true for two pictures of different classes."""
    return labels[:, None] != labels[None, :]


def mean_where(mask: Tensor, values: Tensor) -> Tensor:
    """Return the mean (scalar) of the values the mask holds; 0 with zero gradients when it holds none."""
    return torch.where(mask, values, 0).sum() / mask.sum().clamp_min(1)


def logsumexp_where(mask: Tensor, values: Tensor) -> Tensor:
    """Return log of the sum of exp over the last dimension of what the mask holds.

    Where it holds nothing the result is hugely negative, but finite: two of them can be added, and
    the gradients are 0. The mean taken afterwards has to leave such rows out.
    """
    nothing = torch.finfo(values.dtype).min / 4
    return values.masked_fill(~mask, nothing).logsumexp(dim=-1)
