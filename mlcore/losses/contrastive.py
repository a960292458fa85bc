"""Contrastive: pictures of a class are pulled together, others pushed apart up to a margin."""

from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.batch import Memory, distances_of, mean_where, negatives_of, positives_of


class ContrastiveLoss(nn.Module):
    """Half the squared distance of positive pairs, half the squared lack of distance of negative ones.

    Distances are Euclidean between unit vectors, so 0 to 2. Each kind of pair is averaged over
    those that cost something: of the many negative pairs of a batch few do, and a mean over all
    would leave the pull alone. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        positive_margin: distance up to which a positive pair costs nothing (0 in the paper).
        negative_margin: m of the paper, the distance from which a negative pair costs nothing. The
            paper's 1 was for vectors of any length; on the sphere Musgrave et al., "A Metric
            Learning Reality Check", ECCV 2020, found 0.38 to 0.54 best.

    Raises:
        ValueError: negative_margin is not above positive_margin.

    Source: Hadsell et al., "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
    equation 4.
    """

    def __init__(
        self, *, num_classes: int, dim: int, positive_margin: float = 0.0, negative_margin: float = 0.5
    ) -> None:
        super().__init__()
        if not negative_margin > positive_margin:
            raise ValueError(f"negative_margin must be above positive_margin, {positive_margin}, got {negative_margin}")
        self.positive_margin, self.negative_margin = positive_margin, negative_margin

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        distances = distances_of(embeddings, memory)
        pull = F.relu(distances - self.positive_margin).square() / 2
        push = F.relu(self.negative_margin - distances).square() / 2
        too_far, too_near = positives_of(labels, memory) & (pull > 0), negatives_of(labels, memory) & (push > 0)
        return mean_where(too_far, pull) + mean_where(too_near, push)
