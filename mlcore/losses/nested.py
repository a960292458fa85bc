"""Nested (Matryoshka) training: the first coordinates of an embedding learn to be an embedding too."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mlcore.config import Protocol, ladder
from mlcore.losses.batch import Memory


class NestedLoss(nn.Module):
    """The mean of a loss over the first d coordinates, for each of several d, all with equal weights.

    A loss scales what it compares to length 1 itself, so each d is a space of unit vectors. Proxies and centres, whose
    last dimension is D, are cut like the embeddings: the paper's efficient variant (MRL-E), which ties the weights and
    so adds no parameters. Embeddings of a memory are cut as well.

    Args:
        loss: a loss of embeddings [B, D]; its parameters are [..., D].
        sizes: every d, from 1 to D.

    Source: Kusupati et al., "Matryoshka Representation Learning", NeurIPS 2022, equation 1, with its equal weights.
    """

    def __init__(self, loss: nn.Module, *, sizes: Sequence[int]) -> None:
        super().__init__()
        self.loss, self.sizes = loss, tuple(sizes)

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D] with labels [B], beside a memory if any."""
        return torch.stack([self._cost(embeddings, labels, memory, size) for size in self.sizes]).mean()

    def _cost(self, embeddings: Tensor, labels: Tensor, memory: Memory | None, size: int) -> Tensor:
        proxies = {name: values[..., :size] for name, values in self.loss.named_parameters()}
        inputs: tuple[Tensor | Memory, ...] = (embeddings[:, :size], labels)
        if memory is not None:
            inputs = (*inputs, memory._replace(embeddings=memory.embeddings[:, :size]))
        cost: Tensor = functional_call(self.loss, proxies, inputs)
        return cost


def nested_as(protocol: Protocol, loss: nn.Module) -> nn.Module:
    """Return the loss over the sizes from the protocol's `nested_from` on; the loss itself where that is 0."""
    if not protocol.nested_from:
        return loss
    return NestedLoss(loss, sizes=ladder(protocol.dim, protocol.nested_from))
