"""CosFace: cosine classification in which the true class must win by a margin."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.proxy_cosines import proxy_cosines


class CosFaceLoss(nn.Module):
    """Cross-entropy of scaled cosines to one proxy a class, the true class's less a margin.

    The parameter `proxies` is [C, D] for C classes and D dimensions. At margin 0 it is the
    normalised softmax at temperature 1 / scale.

    Args:
        num_classes: C.
        dim: D.
        margin: m of the paper, in cosine units; taken off the true class.
        scale: s of the paper; multiplies cosines. Positive.

    Source: Wang et al., "CosFace", CVPR 2018, equation 4. Margin 0.35 and scale 64 are those of its experiments.
    """

    def __init__(self, *, num_classes: int, dim: int, margin: float = 0.35, scale: float = 64.0) -> None:
        super().__init__()
        if scale <= 0:
            raise ValueError(f"scale must be positive, got {scale}")
        self.margin, self.scale = margin, scale
        self.proxies = nn.Parameter(torch.randn(num_classes, dim) / dim**0.5)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss (scalar) of embeddings [B, D], normalised or not, with labels [B] in 0..C-1."""
        cosines = proxy_cosines(embeddings, self.proxies)
        # to(dtype): an integer one-hot times a float would fall back to float32.
        true_class = F.one_hot(labels, cosines.shape[1]).to(cosines.dtype)
        return F.cross_entropy(self.scale * (cosines - self.margin * true_class), labels)
