"""Multi-Similarity without its miner: all pairs, weighed by all the similarities around them."""

from pytorch_metric_learning import losses
from torch import Tensor, nn

from mlcore.losses.batch import Memory, negatives_of, positives_of, references_of, require_positive


class MultiSimilarityNoMinerLoss(nn.Module):
    """The pair weighting of Multi-Similarity on every pair; the paper's own loss mines pairs first.

    The weighting is pytorch-metric-learning's. The sum over anchors is divided by the batch size; an
    anchor without positives is still pushed from its negatives, one class alone is still pulled
    together. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        alpha: sharpness of the positive pairs' weights.
        beta: sharpness of the negative pairs' weights (50 in the paper, 40 in the authors' code).
        base: lambda of the paper, the similarity at which pulling turns to pushing.

    Raises:
        ValueError: alpha or beta is not positive.

    Source: Wang et al., "Multi-Similarity Loss", CVPR 2019, equation 15 over all pairs.
    """

    def __init__(
        self, *, num_classes: int, dim: int, alpha: float = 2.0, beta: float = 50.0, base: float = 0.5
    ) -> None:
        super().__init__()
        require_positive(alpha=alpha, beta=beta)
        self.loss = losses.MultiSimilarityLoss(alpha=alpha, beta=beta, base=base)

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        cosines = self.loss.distance(embeddings, references_of(embeddings, memory))
        kinds = (positives_of(labels, memory), negatives_of(labels, memory))
        pairs = tuple(places for kind in kinds for places in kind.nonzero(as_tuple=True))
        # Not self.loss(...): that takes a batch of two pictures for an empty one.
        by_anchor: Tensor = self.loss.mat_based_loss(cosines, pairs)["loss"]["losses"]
        return by_anchor.mean()
