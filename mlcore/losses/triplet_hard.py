"""Triplet, batch-hard: the farthest positive and the nearest negative of each anchor."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.batch import Memory, distances_of, mean_where, negatives_of, positives_of, require_positive


class TripletHardLoss(nn.Module):
    """Bring an anchor's farthest positive nearer than its nearest negative, by a margin.

    Distances are Euclidean between unit vectors, 0 to 2, not squared. The mean is over anchors with
    a positive and a negative; a batch without such an anchor costs 0. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        margin: m of the paper.

    Raises:
        ValueError: margin is not positive.

    Source: Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", 2017,
    equation 5 (batch hard), margin 0.2, averaged instead of summed.
    """

    def __init__(self, *, num_classes: int, dim: int, margin: float = 0.2) -> None:
        super().__init__()
        require_positive(margin=margin)
        self.margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        distances = distances_of(embeddings, memory)
        positives, negatives = positives_of(labels, memory), negatives_of(labels, memory)
        farthest = torch.where(positives, distances, 0).amax(dim=1)
        nearest = torch.where(negatives, distances, 2).amin(dim=1)
        return mean_where(positives.any(dim=1) & negatives.any(dim=1), F.relu(farthest - nearest + self.margin))
