"""SoftTriple: classification through several centres a class."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# The authors' constant under the square root. Without it the gradient is infinite once two centres
# coincide, which at the paper's setting is where training ends up.
SMOOTHING = 1e-5


class SoftTripleLoss(nn.Module):
    """Pull a picture to the nearest of its class's centres, softly, and merge centres not needed.

    Shapes use B pictures in a batch, D dimensions, C classes, K centres a class. The parameter
    `centers` is [C, K, D]. Inputs need not be normalised.

    Args:
        num_classes: C, at least 1.
        dim: D.
        centers: K, at least 1.
        scale: lambda of the paper; multiplies similarities before the softmax over classes.
        gamma: softness of the choice among centres; near 0 it is a hard maximum.
        tau: weight of the term that merges centres (equation 13); has no effect when K is 1.
        margin: delta of the paper, in cosine units; taken off the true class.

    Raises:
        ValueError: num_classes or centers below 1, or gamma not positive.

    Source: Qian et al., "SoftTriple Loss", ICCV 2019, equations 8 and 13, with its defaults.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        dim: int,
        centers: int = 10,
        scale: float = 20.0,
        gamma: float = 0.1,
        tau: float = 0.2,
        margin: float = 0.01,
    ) -> None:
        super().__init__()
        if num_classes < 1 or centers < 1:
            raise ValueError(f"num_classes and centers must be at least 1, got {num_classes} and {centers}")
        if gamma <= 0:
            raise ValueError(f"gamma must be positive, got {gamma}")
        self.scale, self.gamma, self.tau, self.margin = scale, gamma, tau, margin
        # Only the direction counts, so a normal draw is the uniform choice on the sphere.
        self.centers = nn.Parameter(torch.randn(num_classes, centers, dim) / dim**0.5)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss (scalar) of embeddings [B, D] with labels [B] in 0..C-1."""
        centers = F.normalize(self.centers, dim=-1)
        logits = self.scale * self._class_similarities(F.normalize(embeddings, dim=-1), centers, labels)
        return F.cross_entropy(logits, labels) + self.tau * merging_term(centers)

    def _class_similarities(self, embeddings: Tensor, centers: Tensor, labels: Tensor) -> Tensor:
        cosines = torch.einsum("bd,ckd->bck", embeddings, centers)
        choice = F.softmax(cosines / self.gamma, dim=-1)  # [B, C, K]
        by_class = (choice * cosines).sum(dim=-1)  # [B, C]
        # to(dtype): an integer one-hot times a float would fall back to float32.
        true_class = F.one_hot(labels, by_class.shape[1]).to(by_class.dtype)
        return by_class - self.margin * true_class


def merging_term(centers: Tensor) -> Tensor:
    """Return half the mean distance (scalar) between two centres of one class; 0 when each has one.

    Shapes: centers [C, K, D], rows of unit length. Memory grows with C K^2, not with (C K)^2.
    Source: Qian et al., ICCV 2019, equation 13 and the authors' constant 1e-5.
    """
    classes, per_class, _ = centers.shape
    if per_class == 1:
        return centers.new_zeros(())
    cosines = centers @ centers.transpose(1, 2)  # [C, K, K]
    first, second = torch.triu_indices(per_class, per_class, offset=1, device=centers.device)
    # Rounding may put a cosine above 1 by more than the constant in low precision.
    squared = (2.0 + SMOOTHING - 2.0 * cosines[:, first, second]).clamp_min(SMOOTHING / 2)
    return squared.sqrt().sum() / (classes * per_class * (per_class - 1))
