"""Metrics of an epoch beside its loss: similarities within and between classes, norms of gradients."""

from statistics import fmean

import torch
from torch import Tensor, nn

from mlcore.losses.batch import cosines_of, mean_where, negatives_of, positives_of

LAST_BATCHES = 5
Figures = dict[str, float]


class EpochFigures:
    """Gathers the figures of one epoch; but for the loss nothing is read from the device before its end.

    losses: of every step done.
    """

    def __init__(self, steps: int) -> None:
        """Prepare for an epoch of so many steps."""
        self.losses: list[float] = []
        self._steps = steps
        self._cosines: list[Tensor] = []
        self._norms: dict[str, list[Tensor]] = {}

    def see_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Take in the Euclidean norms of the gradients of the network and of the proxies, if there are any.

        The optimiser's groups are lists; to walk the modules of a network takes as long as a step of a head.
        """
        gradients: dict[str, list[Tensor]] = {}
        for group in optimizer.param_groups:
            part = "proxy" if group["name"] == "proxies" else "network"
            gradients.setdefault(part, []).extend(one.grad for one in group["params"] if one.grad is not None)
        for part, found in gradients.items():
            self._norms.setdefault(f"{part}_gradient_norm", []).append(nn.utils.get_total_norm(found))

    def see_batch(self, embeddings: Tensor, labels: Tensor) -> None:
        """Take in the embeddings [B, D] of a step, if it is one of the epoch's last and has pairs of both kinds."""
        if len(self.losses) + LAST_BATCHES < self._steps:
            return
        positives, negatives = positives_of(labels), negatives_of(labels)
        if positives.any() and negatives.any():
            cosines = cosines_of(embeddings.detach())
            self._cosines.append(torch.stack([mean_where(positives, cosines), mean_where(negatives, cosines)]))

    def means(self) -> Figures:
        """Return the mean of each figure over the steps that had it.

        loss; {network,proxy}_gradient_norm; positive_cosine and negative_cosine, between pictures of one
        class and of different classes in the last batches.
        """
        figures = {"loss": sum(self.losses) / len(self.losses)}
        figures |= {name: fmean(torch.stack(norms).tolist()) for name, norms in self._norms.items()}
        if self._cosines:
            positive, negative = torch.stack(self._cosines).mean(dim=0).tolist()
            figures |= {"positive_cosine": positive, "negative_cosine": negative}
        return figures
