"""How few ballots decide who wins by blind rating. Arrays in, numbers out."""

from dataclasses import dataclass

import numpy as np

from ratings.services.ballot_influence import influences
from ratings.services.centred_means import ballot_features, solved_means
from ratings.services.rating_statistics import Floats, Ints, Ratings

MOST_SHARE = 0.5
"""Of the ballots: a winner that half of them cannot topple does not hang on a few."""

AT_ONCE = 256
"""Removals that are solved together."""

PRECISION = 1e-9


@dataclass(frozen=True)
class Removal:
    """A removal that changes the winner.

    winner: the place of the model with the highest mean, in a table its row's key; after: of the one that has it
    without these ballots. removed: the places of the ballots; 0 where the two are level as it is.
    """

    winner: int
    after: int
    removed: Ints
    ballots: int

    @property
    def share(self) -> float:
        """The removed ballots among all, 0 to 1."""
        return len(self.removed) / self.ballots


def smallest_removal(ratings: Ratings, means: Floats) -> Removal | None:
    """Return the fewest ballots found whose removal puts another model first; None if half of the ballots do not.

    means [M]: the ballot-centred means. Whole ballots are left out, since a person casts and withdraws whole ones.
    They are ordered by their influence on the difference of the two highest means (`influences`). The means without
    the first k of them are solved exactly for k = 1, 2 and so on, until another model is first. So a removal does
    change the winner. A smaller one may exist: the number is an upper bound.

    Source: J. Huang et al., "Dropping Just a Handful of Preferences Can Change Top Large Language Model Rankings"
    (arXiv 2508.11847), who approximate the same question by influence for Bradley-Terry scores.
    """
    known = np.flatnonzero(~np.isnan(means))
    if len(known) < 2:
        return None
    winner, second = (int(place) for place in known[np.argsort(-np.round(means[known], 9), kind="stable")][:2])
    ballots = len(ratings.people)
    if means[winner] - means[second] <= PRECISION:
        return Removal(winner, second, np.zeros(0, dtype=np.int64), ballots)
    order = np.argsort(-influences(ratings, winner, second), kind="stable")
    total = np.zeros(ballot_features(ratings.values[:0]).shape[1])
    for start in range(0, ballots, AT_ONCE):
        total += ballot_features(ratings.values[start : start + AT_ONCE]).sum(axis=0)
    for start in range(0, int(MOST_SHARE * ballots), AT_ONCE):
        part = order[start : min(start + AT_ONCE, int(MOST_SHARE * ballots))]
        without = total - np.cumsum(ballot_features(ratings.values[part]), axis=0)
        without[np.abs(without) < PRECISION] = 0  # what nobody compares any more
        found = solved_means(without, ratings.values.shape[1])
        ahead = np.where(np.isnan(found), -np.inf, found).argmax(axis=1)
        compared = ~np.isnan(found[:, winner])
        leads = found[np.arange(len(found)), ahead] - np.where(compared, found[:, winner], np.inf)
        changed = np.flatnonzero(compared & (leads > PRECISION))
        if len(changed):
            first = int(changed[0])
            return Removal(winner, int(ahead[first]), order[: start + first + 1], ballots)
        total = without[-1]
    return None
