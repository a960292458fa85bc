"""Potential field: pictures and proxies attract their own class and repel others, less with distance."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.batch import positives_of, require_positive


class PotentialFieldLoss(nn.Module):
    """The potential energy of the batch in the field of its own pictures and of all proxies; a variant.

    At distance d a picture or proxy of the same class adds -1 / max(d, delta)^alpha, so that those nearer
    than delta pull no more; one of another class adds 1 / d^alpha where d < delta and 1 / delta^alpha
    beyond, so that negatives push only when nearer than delta. Distances are Euclidean between unit
    vectors; below a fifth of delta the push is constant, or two coincident negatives would fly apart with
    infinite force. The energy is the mean over the batch; it is negative, and only its slope matters.
    The proxies feel the pictures of the batch, not each other: their own energy would need every pair of
    C K proxies. Parameter `proxies` is [C, K, D].

    Args:
        num_classes: C, at least 1.
        dim: D.
        proxies: K of each class, at least 1.
        alpha: how fast the field decays.
        delta: radius in which attraction is at rest and repulsion works.

    Raises:
        ValueError: num_classes or proxies below 1, alpha or delta not positive.

    Source: after Bhatnagar and Ahuja, "Potential Field Based Deep Metric Learning", CVPR 2025: two
    decaying fields, superposed, with 15 proxies a class. This is a variant, and its results are not the
    paper's. The paper's own alpha and delta, and how it bounds the repulsion, could not be confirmed;
    alpha 1, delta 0.5 and the bound at a fifth of delta are this project's. The paper sums the potentials
    of pictures and proxies; here proxies have no energy among themselves.
    """

    def __init__(
        self, *, num_classes: int, dim: int, proxies: int = 15, alpha: float = 1.0, delta: float = 0.5
    ) -> None:
        super().__init__()
        if num_classes < 1 or proxies < 1:
            raise ValueError(f"num_classes and proxies must be at least 1, got {num_classes} and {proxies}")
        require_positive(alpha=alpha, delta=delta)
        self.alpha, self.delta = alpha, delta
        self.proxies = nn.Parameter(torch.randn(num_classes, proxies, dim) / dim**0.5)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D] with labels [B] in 0..C-1."""
        classes, per_class, dim = self.proxies.shape
        unit = F.normalize(embeddings, dim=-1)
        proxies = F.normalize(self.proxies, dim=-1).reshape(-1, dim)
        owners = torch.arange(classes, device=labels.device).repeat_interleave(per_class)
        energy = self._energies(unit @ proxies.T, labels[:, None] == owners).sum(dim=1)
        among = self._energies(unit @ unit.T, positives_of(labels))
        itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        return (energy + among.masked_fill(itself, 0).sum(dim=1)).mean()

    def _energies(self, cosines: Tensor, same: Tensor) -> Tensor:
        """Return what each pair adds to the energy, of cosines and whether the two are of a class, both [B, N]."""
        squared = 2 - 2 * cosines
        attraction = -(squared.clamp_min(self.delta**2) ** (-self.alpha / 2))
        repulsion = squared.clamp((self.delta / 5) ** 2, self.delta**2) ** (-self.alpha / 2)
        return torch.where(same, attraction, repulsion)
