"""Multi-Similarity: mined pairs, weighed by all the similarities around them."""

import torch
from pytorch_metric_learning import losses
from torch import Tensor, nn

from mlcore.losses.batch import Memory, negatives_of, positives_of, references_of


class MultiSimilarityLoss(nn.Module):
    """Multi-Similarity with its miner; without the miner it would be another loss.

    The weighting is pytorch-metric-learning's. As in the authors' code the sum over anchors is divided
    by the batch size, anchors without mined pairs count zero, and a batch in which nothing is
    mined (no positives, one class) costs 0. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        alpha: sharpness of the positive pairs' weights.
        beta: sharpness of the negative pairs' weights (50 in the paper, 40 in the authors' code).
        base: lambda of the paper, the similarity at which pulling turns to pushing.
        epsilon: slack of the miner, in cosine units.

    Source: Wang et al., "Multi-Similarity Loss", CVPR 2019, equations 11, 12 and 15.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        dim: int,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        epsilon: float = 0.1,
    ) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.loss = losses.MultiSimilarityLoss(alpha=alpha, beta=beta, base=base)

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        cosines = self.loss.distance(embeddings, references_of(embeddings, memory))
        kinds = positives_of(labels, memory), negatives_of(labels, memory)
        chosen = mined(cosines.detach(), *kinds, self.epsilon)
        pairs = tuple(places for kind in chosen for places in kind.nonzero(as_tuple=True))
        # Not self.loss(...): that takes a batch with one mined pair of each kind for an empty one.
        by_anchor: Tensor = self.loss.mat_based_loss(cosines, pairs)["loss"]["losses"]
        return by_anchor.mean()


def mined(cosines: Tensor, positives: Tensor, negatives: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Return which positives are no nearer than the nearest negative, and which negatives no farther than the
    farthest positive, to within `epsilon`: masks, like cosines and what they are chosen from, [B, B + M].
    """
    nearest = torch.where(negatives, cosines, -torch.inf).amax(dim=1, keepdim=True)
    farthest = torch.where(positives, cosines, torch.inf).amin(dim=1, keepdim=True)
    return positives & (cosines - epsilon < nearest), negatives & (cosines + epsilon > farthest)
