"""Triplet, semi-hard: the nearest negative that is farther than the positive."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.batch import Memory, cosines_of, mean_where, negatives_of, positives_of, require_positive


class TripletSemiHardLoss(nn.Module):
    """For each anchor and positive, push the nearest negative beyond the positive outside the margin.

    Distances are squared Euclidean between unit vectors, 0 to 4. A negative nearer than the positive
    is never taken: early in training such ones collapse all pictures to a point. The mean is over
    anchor-positive pairs with a negative farther than the positive, of which those beyond the margin
    cost 0; a batch without such a pair costs 0. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        margin: alpha of the paper.

    Raises:
        ValueError: margin is not positive.

    Source: Schroff et al., "FaceNet", CVPR 2015, equations 3 and 4, margin 0.2.
    """

    def __init__(self, *, num_classes: int, dim: int, margin: float = 0.2) -> None:
        super().__init__()
        require_positive(margin=margin)
        self.margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        squared = 2 - 2 * cosines_of(embeddings, memory)
        anchors, others = positives_of(labels, memory).nonzero(as_tuple=True)
        to_positive, to_all = squared[anchors, others], squared[anchors]  # [P] and [P, B] for P positive pairs
        farther = negatives_of(labels, memory)[anchors] & (to_all > to_positive[:, None])
        to_negative = torch.where(farther, to_all, torch.inf).amin(dim=1)
        found = farther.any(dim=1)
        return mean_where(found, F.relu(to_positive - torch.where(found, to_negative, 0) + self.margin))
