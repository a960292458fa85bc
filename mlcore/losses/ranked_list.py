"""Ranked list: every class in a ball, all the others beyond a boundary, the nearest of them first."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.batch import Memory, distances_of, logsumexp_where, negatives_of, positives_of, require_positive


class RankedListLoss(nn.Module):
    """Keep positives within boundary - margin and negatives beyond the boundary.

    Distances are Euclidean between unit vectors, 0 to 2. For each picture the positives that are too far
    count alike; the negatives that are too near count by exp(temperature * violation), weights that carry
    no gradient. The two halves weigh the same, the mean is over the batch, and a list without violation
    costs 0. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        boundary: alpha of the paper.
        margin: m of the paper, between the ball of a class and the boundary.
        temperature: T of the paper; 0 weighs all negatives within the boundary alike.

    Raises:
        ValueError: boundary or margin is not positive, or temperature is negative.

    Source: Wang et al., "Ranked List Loss for Deep Metric Learning", CVPR 2019, equations 2 to 8, with
    boundary 1.2, margin 0.4, temperature 10 and the halves weighed alike (lambda 0.5, here times 2).
    """

    def __init__(
        self, *, num_classes: int, dim: int, boundary: float = 1.2, margin: float = 0.4, temperature: float = 10.0
    ) -> None:
        super().__init__()
        require_positive(boundary=boundary, margin=margin)
        if temperature < 0:
            raise ValueError(f"temperature must be at least 0, got {temperature}")
        self.boundary, self.margin, self.temperature = boundary, margin, temperature

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        distances = distances_of(embeddings, memory)
        too_far = distances - (self.boundary - self.margin)
        too_near = self.boundary - distances
        far, near = positives_of(labels, memory) & (too_far > 0), negatives_of(labels, memory) & (too_near > 0)
        pull = (F.relu(too_far) * far).sum(dim=1) / far.sum(dim=1).clamp_min(1)
        exponents = self.temperature * too_near.detach()
        weights = (exponents - logsumexp_where(near, exponents)[:, None]).masked_fill(~near, -torch.inf).exp()
        push = (weights * too_near).sum(dim=1)
        return (pull + push).mean()
