"""Normalised softmax: classification by cosine to one proxy a class."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.proxy_cosines import proxy_cosines


class NormalizedSoftmaxLoss(nn.Module):
    """Cross-entropy of cosine logits; at half its temperature the same as Proxy-NCA++.

    The parameter `proxies` is [C, D] for C classes and D dimensions.

    Args:
        num_classes: C.
        dim: D.
        temperature: divides the cosines; positive.

    Source: Zhai and Wu, "Classification is a Strong Baseline for Deep Metric Learning",
    BMVC 2019, equation 2, temperature 0.05.
    """

    def __init__(self, *, num_classes: int, dim: int, temperature: float = 0.05) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        self.temperature = temperature
        self.proxies = nn.Parameter(torch.randn(num_classes, dim) / dim**0.5)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss (scalar) of embeddings [B, D] with labels [B] in 0..C-1."""
        cosines = proxy_cosines(embeddings, self.proxies)
        return F.cross_entropy(cosines / self.temperature, labels)
