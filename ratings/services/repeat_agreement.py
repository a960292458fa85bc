"""Agreement of people's first and second ratings of the same results. Numbers in, numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ratings.services.rater_agreement import alpha_of_pairs

POINTS = 5


@dataclass(frozen=True)
class Repeated:
    """First and second ratings of the same results by the same person; shares are 0 to 1.

    people, ballots, ratings: how many were repeated. equal, within_one: share of the ratings that are equal, or at most
    a point apart; equal_chance, within_one_chance: the shares if each second rating were one of all second ratings at
    random. alpha: Krippendorff's, ordinal, of first and second ratings: 1 is perfect, 0 is chance; None: all are equal.
    """

    people: int
    ballots: int
    ratings: int
    equal: float
    within_one: float
    equal_chance: float
    within_one_chance: float
    alpha: float | None


def compared(ballots: Sequence[Sequence[tuple[int, int]]], people: int) -> Repeated:
    """Return how far first and second ratings agree. ballots: pairs of ratings, 1 to 5, of each repeated ballot."""
    pairs = np.array([pair for ballot in ballots for pair in ballot])
    apart = np.abs(pairs[:, 0] - pairs[:, 1])
    first, second = (np.bincount(side, minlength=POINTS + 1) / len(pairs) for side in pairs.T)
    together = np.outer(first, second)  # the share that each pair of ratings has by chance
    distances = np.abs(np.subtract.outer(np.arange(POINTS + 1), np.arange(POINTS + 1)))
    alpha = alpha_of_pairs(pairs)
    return Repeated(
        people=people,
        ballots=len(ballots),
        ratings=len(pairs),
        equal=float((apart == 0).mean()),
        within_one=float((apart <= 1).mean()),
        equal_chance=float(together[distances == 0].sum()),
        within_one_chance=float(together[distances <= 1].sum()),
        alpha=None if np.isnan(alpha) else alpha,
    )
