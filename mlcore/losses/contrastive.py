"""Contrastive: pictures of a class are pulled together, others pushed apart up to a margin."""

from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.batch import Memory, distances_of, mean_where, negatives_of, positives_of


class ContrastiveLoss(nn.Module):
    """The excess of distance of positive pairs, and the lack of distance of negative ones.

    Distances are Euclidean between unit vectors, so 0 to 2. Power 1 takes excess and lack as they are,
    power 2 half their squares. Each kind of pair is averaged over those that cost something: of the
    many negative pairs of a batch few do, and a mean over all would leave the pull alone. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        positive_margin: distance up to which a positive pair costs nothing (0 in the paper).
        negative_margin: m of the paper, the distance from which a negative pair costs nothing. The
            paper's 1 was for vectors of any length; on the sphere Musgrave et al., "A Metric
            Learning Reality Check", ECCV 2020, found 0.38 to 0.54 best, at power 1.
        power: 1 or 2. 1 is the loss of pytorch-metric-learning, with which Musgrave et al. measured.
            2 is the paper's: a squared pair pulls the less, the less it is misplaced.

    Raises:
        ValueError: negative_margin is not above positive_margin, or power is neither 1 nor 2.

    Source: power 2 is Hadsell et al., "Dimensionality Reduction by Learning an Invariant Mapping",
    CVPR 2006, equation 4. Power 1 is `losses.ContrastiveLoss` of pytorch-metric-learning 2.9.0 with
    its default reducer, the mean over pairs above 0.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        dim: int,
        positive_margin: float = 0.0,
        negative_margin: float = 0.5,
        power: int = 1,
    ) -> None:
        super().__init__()
        if not negative_margin > positive_margin:
            raise ValueError(f"negative_margin must be above positive_margin, {positive_margin}, got {negative_margin}")
        if power not in (1, 2):
            raise ValueError(f"power must be 1 or 2, got {power}")
        self.positive_margin, self.negative_margin, self.power = positive_margin, negative_margin, power

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        distances = distances_of(embeddings, memory)
        pull = F.relu(distances - self.positive_margin) ** self.power / self.power
        push = F.relu(self.negative_margin - distances) ** self.power / self.power
        too_far, too_near = positives_of(labels, memory) & (pull > 0), negatives_of(labels, memory) & (push > 0)
        return mean_where(too_far, pull) + mean_where(too_near, push)
