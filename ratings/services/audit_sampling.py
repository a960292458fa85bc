"""Whether models were shown as often as the design says. Arrays in, numbers out."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

from ratings.services.rating_statistics import Bools, Floats, rounded

UNEQUAL = 2.0
"""The design keeps every model above half of the median number of ratings; beyond this ratio it did not."""

LEVEL = 0.05


@dataclass(frozen=True)
class ModelSampling:
    """How often a model was on a rated ballot.

    model: its place, in an audit its key. ballots, share: of all rated ones of the data set. recorded: of those that
    logged probabilities; expected: as many as these add up to, None where none did. is_off: whether that differs by
    more than chance, at 5 % for all models together.
    """

    model: int
    ballots: int
    share: float
    recorded: int
    expected: float | None
    is_off: bool


@dataclass(frozen=True)
class Sampling:
    """Sampling of models over so many ballots of a data set. without_propensity: ballots that logged no probability."""

    models: tuple[ModelSampling, ...]
    ballots: int
    without_propensity: int

    @property
    def ratio(self) -> float | None:
        """The most shown model's ballots over the least shown's; None if that has none."""
        counts = [model.ballots for model in self.models]
        fewest = min(counts, default=0)
        return max(counts) / fewest if fewest else None

    @property
    def is_unequal(self) -> bool:
        """Whether one model was shown more than UNEQUAL times as often as another."""
        counts = [model.ballots for model in self.models]
        return max(counts, default=0) > UNEQUAL * min(counts, default=0)

    @property
    def off(self) -> tuple[ModelSampling, ...]:
        """The models that were shown more or less often than their probabilities say."""
        return tuple(model for model in self.models if model.is_off)


def sampling(shown: Bools, propensities: Floats) -> Sampling:
    """Return how often each model was shown, against how often it should have been.

    shown [B, M]: whether the ballot shows the model. propensities [B, M]: the logged probability that it does; 0 for a
    model that did not compete, NaN where nothing was logged. Given the ballots before it, a ballot shows a model with
    its probability, so the count less the sum of the probabilities is a martingale: about normal, with the variance
    of sum p (1 - p). A model whose every probability is 0 or 1 is off if its count is not the sum.
    """
    ballots, models = shown.shape
    logged = ~np.isnan(propensities)
    wanted = np.where(logged, propensities, 0.0)
    expected, variance = wanted.sum(axis=0), (wanted * (1 - wanted)).sum(axis=0)
    recorded = (shown & logged).sum(axis=0)
    counts = shown.sum(axis=0)
    limit = NormalDist().inv_cdf(1 - LEVEL / 2 / max(1, models))
    found = tuple(
        ModelSampling(
            place,
            int(counts[place]),
            rounded(counts[place] / ballots) if ballots else 0.0,
            int(recorded[place]),
            rounded(expected[place]) if logged[:, place].any() else None,
            # Half a ballot: counts are whole numbers.
            bool(abs(recorded[place] - expected[place]) > 0.5 + limit * sqrt(max(0.0, variance[place])) + 1e-6),
        )
        for place in range(models)
    )
    return Sampling(found, ballots, int((~logged.any(axis=1)).sum()))
