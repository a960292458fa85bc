"""Lifted structure, generalised: every positive and every negative of an anchor at once, softly."""

from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.batch import Memory, distances_of, logsumexp_where, mean_where, negatives_of, positives_of


class LiftedStructureLoss(nn.Module):
    """Bring a soft farthest positive nearer than a soft nearest negative.

    This is the generalised form of Hermans et al.; that of Oh Song et al. takes one positive at a
    time and squares. Distances are Euclidean between unit vectors, 0 to 2. The mean is over anchors
    with a positive and a negative; a batch without such an anchor costs 0. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        margin: m of the paper, added to the positives' distances.

    Source: Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", 2017,
    the generalised lifted embedding loss; after Oh Song et al., "Deep Metric Learning via Lifted
    Structured Feature Embedding", CVPR 2016, whose margin is 1.
    """

    def __init__(self, *, num_classes: int, dim: int, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        distances = distances_of(embeddings, memory)
        positives, negatives = positives_of(labels, memory), negatives_of(labels, memory)
        far = logsumexp_where(positives, distances)
        near = logsumexp_where(negatives, self.margin - distances)
        return mean_where(positives.any(dim=1) & negatives.any(dim=1), F.relu(far + near))
