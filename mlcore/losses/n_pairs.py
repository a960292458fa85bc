"""N-pairs: an anchor is to know its positive among one picture of every class."""

import torch
from torch import Tensor, nn

from mlcore.losses.batch import cosines_of, logsumexp_where, mean_where, positives_of, require_positive


class NPairsLoss(nn.Module):
    """Cross-entropy of an anchor's cosines to one picture a class, its own class being the answer.

    The pictures of a class are paired in the order of the batch: first and second, third and fourth.
    Anchors are the first of pairs; the n-th pair of a class meets the n-th pairs of the others. The
    mean is over pairs that meet another; a batch without one costs 0. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        scale: multiplies cosines. The paper leaves vectors unnormalised and penalises their length
            instead; unit vectors without a scale could not bring the cost near 0 (with 32 classes
            it stays above 2.5).

    Raises:
        ValueError: scale is not positive.

    Source: Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NIPS 2016,
    N-pair-mc; the scale of 20 is that of the normalised softmax (temperature 0.05).
    """

    def __init__(self, *, num_classes: int, dim: int, scale: float = 20.0) -> None:
        super().__init__()
        require_positive(scale=scale)
        self.scale = scale

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B]."""
        logits, positives = self.scale * cosines_of(embeddings), positives_of(labels)
        place = positives.tril().sum(dim=1)  # how many of its class came before
        choices = (place[None, :] == place[:, None] + 1) & (place % 2 == 0)[:, None]
        answer = choices & positives  # at most one a row
        cost = logsumexp_where(choices, logits) - torch.where(answer, logits, 0).sum(dim=1)
        return mean_where(answer.any(dim=1) & (choices.sum(dim=1) > 1), cost)
