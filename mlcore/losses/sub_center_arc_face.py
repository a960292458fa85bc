"""Sub-center ArcFace: ArcFace to the nearest of several centres a class."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.arc_face import check_margin_and_scale, with_angular_margin
from mlcore.losses.proxy_cosines import proxy_cosines


class SubCenterArcFaceLoss(nn.Module):
    """ArcFace in which a class's cosine is that of its nearest centre, so that outliers find one of their own.

    The parameter `centers` is [C, K, D] for C classes, K centres a class and D dimensions. With one
    centre it is ArcFace. The paper's second stage, dropping pictures far from their class's dominant
    centre and training again, is not done.

    Args:
        num_classes: C.
        dim: D.
        centers: K, at least 1.
        margin: m of the paper, in RADIANS, 0 to 1.5.
        scale: s of the paper; multiplies cosines. Positive.

    Source: Deng et al., "Sub-center ArcFace", ECCV 2020, with its K of 3, margin 0.5 and scale 64.
    """

    def __init__(
        self, *, num_classes: int, dim: int, centers: int = 3, margin: float = 0.5, scale: float = 64.0
    ) -> None:
        super().__init__()
        if centers < 1:
            raise ValueError(f"centers must be at least 1, got {centers}")
        check_margin_and_scale(margin, scale)
        self.margin, self.scale = margin, scale
        self.centers = nn.Parameter(torch.randn(num_classes, centers, dim) / dim**0.5)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss (scalar) of embeddings [B, D], normalised or not, with labels [B] in 0..C-1."""
        cosines = proxy_cosines(embeddings, self.centers.flatten(0, 1))
        # Of centres that coincide, max moves one, so they can part.
        nearest = cosines.reshape(-1, *self.centers.shape[:2]).max(dim=-1).values
        return F.cross_entropy(self.scale * with_angular_margin(nearest, labels, self.margin), labels)
