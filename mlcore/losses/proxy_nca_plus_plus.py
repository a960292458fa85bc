"""Proxy-NCA++: a softmax over squared distances to one proxy a class."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.proxy_cosines import proxy_cosines


class ProxyNcaPlusPlusLoss(nn.Module):
    """Make the picture's own proxy the most probable one, by squared distances on the sphere.

    Cross-entropy of softmax(-scale * squared distance); unlike the first Proxy-NCA, the own class is in
    the denominator. Squared distances of unit vectors are 2 - 2 cos, so this is the normalised softmax
    at temperature 1 / (2 * scale): 1/18 at the default. The paper's gains over it come from its
    recipe (global max pooling, layer normalisation, a fast rate for the proxies, balanced batches),
    which belongs to the protocol and is the same for every loss here.

    The parameter `proxies` is [C, D].

    Args:
        num_classes: C.
        dim: D.
        scale: 1 / temperature of the paper; multiplies squared distances. Positive.

    Source: Teh et al., "ProxyNCA++", ECCV 2020, with its temperature 1/9.
    """

    def __init__(self, *, num_classes: int, dim: int, scale: float = 9.0) -> None:
        super().__init__()
        if scale <= 0:
            raise ValueError(f"scale must be positive, got {scale}")
        self.scale = scale
        self.proxies = nn.Parameter(torch.randn(num_classes, dim) / dim**0.5)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss (scalar) of embeddings [B, D], normalised or not, with labels [B] in 0..C-1."""
        cosines = proxy_cosines(embeddings, self.proxies)
        # -scale * (2 - 2 cos) without its constant, which no softmax sees and which costs digits.
        return F.cross_entropy(2 * self.scale * cosines, labels)
