"""SmoothAP: average precision with a sigmoid where ranks count who comes before."""

import torch
from torch import Tensor, nn

from mlcore.losses.batch import cosines_of, negatives_of, positives_of, require_positive


class SmoothApLoss(nn.Module):
    """1 minus the smoothed average precision of each picture's ranking of the others.

    A picture is left out of its own ranking; the authors' code and pytorch-metric-learning leave it
    in, always first, and want classes of equal size. The mean is over pictures with a positive and a
    negative; a batch without such a picture costs 0. Memory grows with B times the number of positive
    pairs. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        temperature: tau of the paper; near 0 the sigmoid is a step and gradients vanish.

    Raises:
        ValueError: temperature is not positive.

    Source: Brown et al., "Smooth-AP: Smoothing the Path Towards Large-Scale Image Retrieval",
    ECCV 2020, temperature 0.01.
    """

    def __init__(self, *, num_classes: int, dim: int, temperature: float = 0.01) -> None:
        super().__init__()
        require_positive(temperature=temperature)
        self.temperature = temperature

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B]."""
        cosines, positives, negatives = cosines_of(embeddings), positives_of(labels), negatives_of(labels)
        ranked = positives & negatives.any(dim=1)[:, None]
        queries, found = ranked.nonzero(as_tuple=True)  # P pairs of a query and one of its positives
        ahead = torch.sigmoid((cosines[queries] - cosines[queries, found][:, None]) / self.temperature)  # [P, B]
        itself = torch.arange(len(labels), device=labels.device) == found[:, None]
        positives_ahead = torch.where(positives[queries] & ~itself, ahead, 0).sum(dim=1)
        negatives_ahead = torch.where(negatives[queries], ahead, 0).sum(dim=1)
        missing = negatives_ahead / (1 + positives_ahead + negatives_ahead)  # 1 - precision at that positive
        return (missing / ranked.sum(dim=1)[queries]).sum() / ranked.any(dim=1).sum().clamp_min(1)
