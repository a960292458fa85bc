"""Proxy-Anchor: every proxy is an anchor that weighs the whole batch."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.proxy_cosines import proxy_cosines


class ProxyAnchorLoss(nn.Module):
    """Let each class's proxy pull its hardest positives and push its hardest negatives.

    The mean log(1 + sum exp(-alpha (s - delta))) over the proxies with positives in the batch, plus
    the mean log(1 + sum exp(alpha (s + delta))) over all proxies; s are cosines, the sums go over a
    proxy's positives and negatives in the batch. The parameter `proxies` is [C, D].

    Args:
        num_classes: C.
        dim: D.
        alpha: sharpness; how much more the hardest pictures count. Positive.
        delta: margin, in cosine units; asked of positives and of negatives.

    Source: Kim et al., "Proxy Anchor Loss for Deep Metric Learning", CVPR 2020, equation 4, with its defaults.
    """

    def __init__(self, *, num_classes: int, dim: int, alpha: float = 32.0, delta: float = 0.1) -> None:
        super().__init__()
        if alpha <= 0:
            raise ValueError(f"alpha must be positive, got {alpha}")
        self.alpha, self.delta = alpha, delta
        self.proxies = nn.Parameter(torch.randn(num_classes, dim) / dim**0.5)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B] in 0..C-1."""
        cosines = proxy_cosines(embeddings, self.proxies)
        positive = F.one_hot(labels, cosines.shape[1]).bool()  # [B, C]
        pull = _log_one_plus_sum_exp(self.alpha * (self.delta - cosines), positive)
        push = _log_one_plus_sum_exp(self.alpha * (self.delta + cosines), ~positive)
        # A proxy without positives pulls exactly 0: summing over all and dividing by those present is their mean.
        return pull.sum() / positive.any(dim=0).sum() + push.mean()


def _log_one_plus_sum_exp(exponents: Tensor, chosen: Tensor) -> Tensor:
    """Return log(1 + sum exp) over the chosen rows of each column: [B, C] to [C]; 0 where none is chosen."""
    masked = exponents.masked_fill(~chosen, float("-inf"))
    # The row of zeros is the 1; with it no column is all -inf, whose gradient would be NaN.
    return torch.logsumexp(F.pad(masked, (0, 0, 1, 0)), dim=0)
