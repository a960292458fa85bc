"""Supervised contrastive: each positive is to stand out from all other pictures of the batch."""

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


class SupervisedContrastiveLoss(nn.Module):
    """Cross-entropy of cosine logits over the other pictures, averaged over an anchor's positives.

    The other positives stand in the denominator too, which NT-Xent leaves out. The mean is over
    anchors with a positive and a negative: without a negative the loss would only even the
    positives out. No factor of temperature over base temperature, as the authors' code has.
    Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        temperature: divides the cosines.

    Raises:
        ValueError: temperature is not positive.

    Source: Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, equation 2 (L_out),
    temperature 0.1. Its two views of a picture are two pictures of a class here.
    """

    def __init__(self, *, num_classes: int, dim: int, temperature: float = 0.1) -> None:
        super().__init__()
        require_positive(temperature=temperature)
        self.temperature = temperature

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        logits = cosines_of(embeddings, memory) / self.temperature
        positives, negatives = positives_of(labels, memory), negatives_of(labels, memory)
        everyone = logsumexp_where(positives | negatives, logits)
        mean_positive = torch.where(positives, logits, 0).sum(dim=1) / positives.sum(dim=1).clamp_min(1)
        return mean_where(positives.any(dim=1) & negatives.any(dim=1), everyone - mean_positive)
