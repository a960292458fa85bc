"""Circle: each similarity is trained by how far it is from where it should be."""

from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.batch import (
    Memory,
    cosines_of,
    logsumexp_where,
    mean_where,
    negatives_of,
    positives_of,
    require_positive,
)


class CircleLoss(nn.Module):
    """Weigh each cosine by its distance from its optimum, then compare positives with negatives softly.

    The weights carry no gradient, as in the paper. The mean is over anchors with a positive and a
    negative; a batch without such an anchor costs 0. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        margin: m of the paper, the relaxation: positives aim at 1 + m past 1 - m, negatives at -m past m.
        scale: gamma of the paper.

    Raises:
        ValueError: scale is not positive.

    Source: Sun et al., "Circle Loss", CVPR 2020, equations 4 to 8; for retrieval of fine-grained
    classes it uses margin 0.4 and scale 80.
    """

    def __init__(self, *, num_classes: int, dim: int, margin: float = 0.4, scale: float = 80.0) -> None:
        super().__init__()
        require_positive(scale=scale)
        self.margin, self.scale = margin, scale

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None = None) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B], beside a memory if any."""
        cosines = cosines_of(embeddings, memory)
        positives, negatives = positives_of(labels, memory), negatives_of(labels, memory)
        settled = cosines.detach()
        pull = F.relu(1 + self.margin - settled) * (1 - self.margin - cosines)
        push = F.relu(settled + self.margin) * (cosines - self.margin)
        both = logsumexp_where(positives, self.scale * pull) + logsumexp_where(negatives, self.scale * push)
        return mean_where(positives.any(dim=1) & negatives.any(dim=1), -F.logsigmoid(-both))
