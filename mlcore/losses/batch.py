"""What losses on pairs, triplets and rankings share: similarities, positives and negatives of B pictures.

With a memory of M embeddings the columns are those of the batch, then those of the memory; rows, the anchors,
are always the batch.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Memory(NamedTuple):
    """Embeddings [M, D] of earlier batches, which carry no gradient, and their labels [M]."""

    embeddings: Tensor
    labels: Tensor


def require_positive(**values: float) -> None:
    """Raise ValueError, by name, for a value that is not above 0."""
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")


def references_of(embeddings: Tensor, memory: Memory | None) -> Tensor:
    """Return what embeddings [B, D] are compared with: themselves, then the memory, [B + M, D]."""
    return embeddings if memory is None else torch.cat([embeddings, memory.embeddings])


def cosines_of(embeddings: Tensor, memory: Memory | None = None) -> Tensor:
    """Return the cosines [B, B + M] of embeddings [B, D], normalised or not, to themselves and the memory."""
    unit = F.normalize(embeddings, dim=-1)
    others = unit if memory is None else torch.cat([unit, F.normalize(memory.embeddings, dim=-1)])
    return unit @ others.T


def distances_of(embeddings: Tensor, memory: Memory | None = None) -> Tensor:
    """Return the Euclidean distances [B, B + M], 0 to 2, between the directions that `cosines_of` compares.

    The root of 0 has an infinite slope: distances lost in rounding are 0 and have none.
    """
    squared = 2 - 2 * cosines_of(embeddings, memory)
    apart = squared > 4 * torch.finfo(squared.dtype).eps
    return torch.where(apart, torch.where(apart, squared, 1).sqrt(), 0)


def positives_of(labels: Tensor, memory: Memory | None = None) -> Tensor:
    """Return [B, B + M], true for two different pictures of one class.

    A picture's own earlier embedding, in the memory, is another picture of its class.
    """
    itself = torch.eye(len(labels), len(_labels(labels, memory)), dtype=torch.bool, device=labels.device)
    return ~negatives_of(labels, memory) & ~itself


def negatives_of(labels: Tensor, memory: Memory | None = None) -> Tensor:
    """Return [B, B + M], true for two pictures of different classes."""
    return labels[:, None] != _labels(labels, memory)[None, :]


def _labels(labels: Tensor, memory: Memory | None) -> Tensor:
    return labels if memory is None else torch.cat([labels, memory.labels])


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
