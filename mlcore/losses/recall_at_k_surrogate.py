"""Recall@k surrogate: the share of positives among the first k, with sigmoids where ranks and cuts are."""

import torch
from torch import Tensor, nn

from mlcore.losses.batch import cosines_of, negatives_of, positives_of, require_positive


class RecallAtKSurrogateLoss(nn.Module):
    """1 minus the smoothed recall of each picture's positives at k = 1, 2, 4 ... largest_k, averaged.

    A positive's rank is 1 plus, softly, the pictures more like the query; whether that is within k is
    again a sigmoid, so that a positive at rank k counts half and the loss never reaches 0. The mean is
    over pictures with a positive and a negative; a batch without such a picture costs 0. Memory grows
    with B times the number of positive pairs. Proxy-free. The paper's mixing of embeddings (SiMix) is
    another method and not part of this loss.

    The authors' code (github.com/yash0307/RecallatK_surrogate, src/losses.py) differs in three points:
    it divides the positives found within k by min(k, positives) instead of all positives; it caps their
    number at k; and it leaves the query, which is always first, in its own ranking. All three change the
    weights of the k and, with a cap that binds, gradients. A perfect batch of 4 pictures a class, each
    class in one point, costs 0.2705 here, 0.2146 there, and 0.1130 with the division by min(k, positives)
    alone. Here 3 positives cannot all be within k = 1 or 2, and this constant remains in the loss.

    Args:
        num_classes, dim: not used; every loss is built alike.
        largest_k: the k are the powers of two up to this one.
        rank_temperature: tau 1 of the paper, in ranks; softness of the cut at k.
        temperature: tau 2 of the paper, in cosines; near 0 ranks are steps and gradients vanish.

    Raises:
        ValueError: largest_k is below 1, or a temperature is not positive.

    Source: after Patel et al., "Recall@k Surrogate Loss with Large Batches and Similarity Mixup", CVPR 2022,
    equation 6, with its k up to 16 and temperatures 1 and 0.01.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        dim: int,
        largest_k: int = 16,
        rank_temperature: float = 1.0,
        temperature: float = 0.01,
    ) -> None:
        super().__init__()
        require_positive(largest_k=largest_k, rank_temperature=rank_temperature, temperature=temperature)
        self.ks = [2**power for power in range(largest_k.bit_length())]
        self.rank_temperature, self.temperature = rank_temperature, temperature

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss (scalar) of embeddings [B, D], normalised or not, with labels [B]."""
        cosines, positives = cosines_of(embeddings), positives_of(labels)
        ranked = positives & negatives_of(labels).any(dim=1)[:, None]
        queries, found = ranked.nonzero(as_tuple=True)  # P pairs of a query and one of its positives
        ahead = torch.sigmoid((cosines[queries] - cosines[queries, found][:, None]) / self.temperature)  # [P, B]
        places = torch.arange(len(labels), device=labels.device)
        others = (places != found[:, None]) & (places != queries[:, None])
        ranks = 1 + torch.where(others, ahead, 0).sum(dim=1)
        ks = torch.tensor(self.ks, dtype=ranks.dtype, device=ranks.device)
        missed = torch.sigmoid((ranks[:, None] - ks) / self.rank_temperature).mean(dim=1)  # [P], over the k
        return (missed / ranked.sum(dim=1)[queries]).sum() / ranked.any(dim=1).sum().clamp_min(1)
