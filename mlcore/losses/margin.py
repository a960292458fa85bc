"""Margin: one boundary for all pairs, on negatives drawn evenly over their distances."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.batch import Memory, distances_of, negatives_of, positives_of, require_positive

# The paper's cut-off: weights of nearer negatives stop growing, for their gradients are mostly noise.
NEAREST = 0.5


class MarginLoss(nn.Module):
    """Keep positives within beta - margin and drawn negatives beyond beta + margin.

    Distances are Euclidean between unit vectors, 0 to 2. For each anchor and positive one negative
    is drawn by the paper's distance weighting; an anchor with none nearer than beta + margin, where
    cost begins, draws none. Draws come from torch's generator, so its seed repeats them. As in the
    authors' code the sum is divided by the number of terms that cost something. beta is fixed here;
    the paper may learn it. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        beta: the boundary between positives and negatives.
        margin: alpha of the paper, half the width of the gap.

    Raises:
        ValueError: beta or margin is not positive.

    Source: Wu et al., "Sampling Matters in Deep Embedding Learning", ICCV 2017, beta 1.2 and margin
    0.2, which give the authors' farthest distance of 1.4.
    """

    def __init__(self, *, num_classes: int, dim: int, beta: float = 1.2, margin: float = 0.2) -> None:
        super().__init__()
        require_positive(beta=beta, margin=margin)
        self.beta, self.margin = beta, margin

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        distances, negatives = distances_of(embeddings, memory), negatives_of(labels, memory)
        candidates = negatives & (distances.detach() < self.beta + self.margin)
        both = negatives.any(dim=1)[:, None] & positives_of(labels, memory)
        anchors, others = both.nonzero(as_tuple=True)
        log_weights = distance_log_weights(distances.detach(), embeddings.shape[1])
        drawn = draw(log_weights.masked_fill(~candidates, -torch.inf)[anchors])
        pull = F.relu(distances[anchors, others] - self.beta + self.margin)
        push = F.relu(self.beta + self.margin - distances[anchors, drawn]) * candidates.any(dim=1)[anchors]
        costly = (pull > 0).sum() + (push > 0).sum()
        return (pull.sum() + push.sum()) / costly.clamp_min(1)


def distance_log_weights(distances: Tensor, dim: int) -> Tensor:
    """Return minus the log density of a distance between random points of the sphere, up to a constant.

    Shapes: as distances, 0 to 2. Source: Wu et al., ICCV 2017, section 4.
    """
    from_nearest = distances.clamp_min(NEAREST)
    # Opposite points have no density when dim > 3: keep the log finite.
    width = (1 - from_nearest.square() / 4).clamp_min(torch.finfo(distances.dtype).eps)
    return (2 - dim) * from_nearest.log() + (3 - dim) / 2 * width.log()


def draw(log_weights: Tensor) -> Tensor:
    """Return one column for each row of log_weights [P, B], with probability exp of it, normalised.

    By Gumbel's trick, so the weights, which span many orders, stay logs. A row without any weight
    gives some column.
    """
    noise = torch.empty_like(log_weights).exponential_().clamp_min(torch.finfo(log_weights.dtype).tiny)
    return (log_weights - noise.log()).argmax(dim=1)
