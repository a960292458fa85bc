"""Multi-Similarity: mined pairs, weighed by all the similarities around them."""

from pytorch_metric_learning import losses, miners
from torch import Tensor, nn


class MultiSimilarityLoss(nn.Module):
    """Multi-Similarity with its miner; without the miner it would be another loss.

    Composed from pytorch-metric-learning. As in the authors' code the sum over anchors is divided
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
        self.miner = miners.MultiSimilarityMiner(epsilon=epsilon)
        self.loss = losses.MultiSimilarityLoss(alpha=alpha, beta=beta, base=base)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B]."""
        pairs = self.miner(embeddings, labels)
        # Not self.loss(...): that takes a batch with one mined pair of each kind for an empty one.
        by_anchor: Tensor = self.loss.mat_based_loss(self.loss.distance(embeddings, embeddings), pairs)["loss"][
            "losses"
        ]
        return by_anchor.mean()
