"""ArcFace: cosine classification in which the true class must win by an angle."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.proxy_cosines import proxy_cosines

LARGEST_MARGIN = 1.5  # radians, 86 degrees; a margin in degrees is refused by it


class ArcFaceLoss(nn.Module):
    """Cross-entropy of scaled cosines to one proxy a class, the true class's angle made larger.

    The parameter `proxies` is [C, D] for C classes and D dimensions. At margin 0 it is the
    normalised softmax at temperature 1 / scale.

    Args:
        num_classes: C.
        dim: D.
        margin: m of the paper, in RADIANS (0.5 is 28.6 degrees; some libraries take degrees); 0 to 1.5.
        scale: s of the paper; multiplies cosines. Positive.

    Source: Deng et al., "ArcFace", CVPR 2019, equation 3, margin 0.5 and scale 64.
    """

    def __init__(self, *, num_classes: int, dim: int, margin: float = 0.5, scale: float = 64.0) -> None:
        super().__init__()
        check_margin_and_scale(margin, scale)
        self.margin, self.scale = margin, scale
        self.proxies = nn.Parameter(torch.randn(num_classes, dim) / dim**0.5)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss (scalar) of embeddings [B, D], normalised or not, with labels [B] in 0..C-1."""
        cosines = proxy_cosines(embeddings, self.proxies)
        return F.cross_entropy(self.scale * with_angular_margin(cosines, labels, self.margin), labels)


def check_margin_and_scale(margin: float, scale: float) -> None:
    """Raise ValueError when the margin cannot be one in radians, or the scale is not positive."""
    if not 0 <= margin <= LARGEST_MARGIN:
        raise ValueError(f"margin is in radians and must be from 0 to {LARGEST_MARGIN}, got {margin}")
    if scale <= 0:
        raise ValueError(f"scale must be positive, got {scale}")


def with_angular_margin(cosines: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Return cosines [B, C] in which cos(angle) of each row's true class became cos(angle + margin).

    From angles of pi - margin on, where cos(angle + margin) would rise again, it became
    cos(angle) - margin * sin(margin), so that it falls with the angle throughout: not in the paper, but in
    the authors' code (insightface, easy_margin off) and in pytorch-metric-learning.
    """
    own = cosines.gather(1, labels[:, None])  # [B, 1]
    # The slope of acos is infinite at 1 and -1, where a picture lies on its proxy or opposite to it.
    nearly_one = 1 - torch.finfo(own.dtype).eps
    angles = own.clamp(-nearly_one, nearly_one).acos()
    raised = torch.where(angles < math.pi - margin, (angles + margin).cos(), own - margin * math.sin(margin))
    return cosines.scatter(1, labels[:, None], raised)
