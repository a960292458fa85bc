"""Cross-batch memory: a loss compares a batch with embeddings of earlier batches too."""

import torch
from torch import Tensor, nn

from mlcore.losses.batch import Memory


class CrossBatchMemoryLoss(nn.Module):
    """Give a loss, beside the batch, the last embeddings of earlier batches, without gradient.

    What the network learns changes an embedding slowly, so that those of earlier batches nearly stand for
    what it would compute now: many more pairs at no cost of memory or time in the network.

    As in the paper every picture of the batch is an anchor, and the memory holds references only. There the
    batch, too, is compared with as a part of the memory, without gradient; here its pairs keep the gradient
    of both ends, so that the loss with an empty memory is the loss itself. Memory and state are buffers: a
    checkpoint holds them, and so a resumed training goes on with the same ones.

    Args:
        loss: a loss that takes a memory.
        size: M, the embeddings kept; the oldest are replaced.
        dim: D.
        warmup_steps: the number of batches that only fill the memory before it is used.

    Source: Wang et al., "Cross-Batch Memory for Embedding Learning", CVPR 2020, algorithm 1. The paper waits
    for 1,000 iterations, until features drift slowly.
    """

    embeddings: Tensor
    labels: Tensor
    batches: Tensor
    pictures: Tensor

    def __init__(self, loss: nn.Module, *, size: int, dim: int, warmup_steps: int) -> None:
        super().__init__()
        self.loss, self.size, self.warmup_steps = loss, size, warmup_steps
        self.register_buffer("embeddings", torch.zeros(size, dim))
        self.register_buffer("labels", torch.zeros(size, dtype=torch.int64))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))
        self.register_buffer("pictures", torch.zeros((), dtype=torch.int64))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D] with labels [B] beside the memory; then remember them."""
        cost: Tensor = self.loss(embeddings, labels, self.recalled())
        self._remember(embeddings.detach(), labels)
        return cost

    def recalled(self) -> Memory | None:
        """Return what the next batch is compared with: nothing while the memory rests or is empty."""
        filled = min(int(self.pictures), self.size)
        if not filled or int(self.batches) < self.warmup_steps:
            return None
        return Memory(self.embeddings[:filled], self.labels[:filled])

    def _remember(self, embeddings: Tensor, labels: Tensor) -> None:
        places = (self.pictures + torch.arange(len(labels), device=labels.device))[-self.size :] % self.size
        self.embeddings[places] = embeddings[-self.size :]
        self.labels[places] = labels[-self.size :]
        self.batches += 1
        self.pictures += len(labels)
