"""SNR-contrastive: the contrastive loss on a ratio of variances instead of a distance."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.batch import Memory, mean_where, negatives_of, positives_of


class SnrContrastiveLoss(nn.Module):
    """Pull and push by noise over signal: the variance of a difference over that of the anchor.

    The distance from anchor h to g is var(g - h) / var(h), each variance over the D numbers of one
    vector; it is not symmetric, so both directions of a pair count. Vectors are normalised first,
    because pictures are found by cosine: where their mean is 0 the distance is the squared Euclidean
    one, 0 to 4. Each kind of pair is averaged over those that cost something. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        positive_margin: ratio up to which a positive pair costs nothing (0 in the paper).
        negative_margin: alpha of the paper, the ratio from which a negative pair costs nothing;
            1 is pytorch-metric-learning's.
        zero_mean: lambda of the paper, weight of the term that keeps the mean of a vector at 0.

    Raises:
        ValueError: negative_margin is not above positive_margin.

    Source: Yuan et al., "Signal-to-Noise Ratio: A Robust Distance Metric for Deep Metric Learning",
    CVPR 2019, the SNR distance and the contrastive loss on it.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        dim: int,
        positive_margin: float = 0.0,
        negative_margin: float = 1.0,
        zero_mean: float = 0.1,
    ) -> None:
        super().__init__()
        if not negative_margin > positive_margin:
            raise ValueError(f"negative_margin must be above positive_margin, {positive_margin}, got {negative_margin}")
        self.positive_margin, self.negative_margin, self.zero_mean = positive_margin, negative_margin, zero_mean

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        unit = F.normalize(embeddings, dim=-1)
        distances = snr_distances(unit, None if memory is None else F.normalize(memory.embeddings, dim=-1))
        pull = F.relu(distances - self.positive_margin)
        push = F.relu(self.negative_margin - distances)
        sums = unit.sum(dim=-1).abs().mean()
        return (
            mean_where(positives_of(labels, memory) & (pull > 0), pull)
            + mean_where(negatives_of(labels, memory) & (push > 0), push)
            + self.zero_mean * sums
        )


def snr_distances(rows: Tensor, others: Tensor | None = None) -> Tensor:
    """Return var(g - h) / var(h) as [B, B + M], anchor h by row, for rows [B, D], then others [M, D], as g.

    Memory grows with the result: var(g - h) = var(g) + var(h) - 2 cov(g, h).
    """
    centred = rows - rows.mean(dim=-1, keepdim=True)
    compared = centred if others is None else torch.cat([centred, others - others.mean(dim=-1, keepdim=True)])
    covariances = centred @ compared.T  # D times it; the factor leaves the ratio alone
    signal = covariances.diagonal()  # of the rows
    signals = signal if others is None else torch.cat([signal, compared[len(rows) :].square().sum(dim=-1)])
    noise = (signal[:, None] + signals[None, :] - 2 * covariances).clamp_min(0)
    # A vector of equal numbers has no variance at all.
    return noise / signal.clamp_min(torch.finfo(rows.dtype).eps)[:, None]
