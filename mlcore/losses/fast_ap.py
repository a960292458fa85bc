"""FastAP: average precision over a histogram of distances, which can be differentiated."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcore.losses.batch import cosines_of, mean_where, negatives_of, positives_of


class FastApLoss(nn.Module):
    """1 minus the average precision of each picture's ranking of the others, binned by distance.

    Distances are squared Euclidean between unit vectors, 0 to 4; a distance is shared between the
    two edges around it. The mean is over pictures with a positive and a negative; a batch without
    such a picture costs 0. Proxy-free.

    Args:
        num_classes, dim: not used; every loss is built alike.
        bins: L of the paper, the intervals between edges.

    Raises:
        ValueError: bins below 1.

    Source: Cakir et al., "Deep Metric Learning to Rank", CVPR 2019, with the 10 bins of its code.
    """

    def __init__(self, *, num_classes: int, dim: int, bins: int = 10) -> None:
        super().__init__()
        if bins < 1:
            raise ValueError(f"bins must be at least 1, got {bins}")
        self.bins = bins

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B]."""
        positives, negatives = positives_of(labels), negatives_of(labels)
        squared = 2 - 2 * cosines_of(embeddings)
        edges = torch.linspace(0, 4, self.bins + 1, dtype=squared.dtype, device=squared.device)
        shares = F.relu(1 - (squared[:, :, None] - edges).abs() * self.bins / 4)  # [B, B, edges]
        of_positives = (shares * positives[:, :, None]).sum(dim=1)  # [B, edges]
        of_all = (shares * (positives | negatives)[:, :, None]).sum(dim=1)
        # A product with ones above the diagonal: cumsum has no deterministic form on every device.
        up_to = torch.ones(len(edges), len(edges), dtype=squared.dtype, device=squared.device).triu()
        positives_so_far, all_so_far = of_positives @ up_to, of_all @ up_to
        met = all_so_far > 0
        precision = torch.where(met, positives_so_far / torch.where(met, all_so_far, 1), 0)
        average = (of_positives * precision).sum(dim=1) / positives.sum(dim=1).clamp_min(1)
        return mean_where(positives.any(dim=1) & negatives.any(dim=1), 1 - average)
