"""NT-Xent: each positive pair is to stand out from the anchor's negatives."""

import torch
from torch import Tensor, nn

from mlcore.losses.batch import (
    Memory,
    cosines_of,
    logsumexp_where,
    mean_where,
    negatives_of,
    positives_of,
    require_positive,
)


class NtXentLoss(nn.Module):
    """Cross-entropy of one positive against all negatives of its anchor; the other positives stay out.

    With two pictures a class it is the paper's loss, and the supervised contrastive one. The mean is
    over positive pairs whose anchor has a negative; a batch without one costs 0. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        temperature: tau of the paper, divides the cosines; 0.07 is pytorch-metric-learning's.

    Raises:
        ValueError: temperature is not positive.

    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations",
    ICML 2020, equation 1; after Sohn, NIPS 2016. Positives are the pictures of a class here.
    """

    def __init__(self, *, num_classes: int, dim: int, temperature: float = 0.07) -> None:
        super().__init__()
        require_positive(temperature=temperature)
        self.temperature = temperature

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        logits = cosines_of(embeddings, memory) / self.temperature
        positives, negatives = positives_of(labels, memory), negatives_of(labels, memory)
        others = logsumexp_where(negatives, logits)[:, None]
        by_pair = torch.logaddexp(logits, others) - logits  # [B, B], anchor by row
        return mean_where(positives & negatives.any(dim=1)[:, None], by_pair)
