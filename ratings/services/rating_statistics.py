"""What a pile of blind votes says, and how surely: arrays in, figures out, no database."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REDRAWS = 1000
FEWEST_VOTES = 5
"""Of a model: redraws of fewer votes hardly differ, and their interval would look far too sure."""

_WEIGHTS_AT_ONCE = 1 << 22
"""Bound on redraws x ballots held at a time: 32 MiB."""


@dataclass(frozen=True)
class Votes:
    """B ballots on M models. people [B] and queries [B]: whose, and on what; scores [B, M], NaN where not shown."""

    people: Ints
    queries: Ints
    scores: Floats

    @property
    def counts(self) -> Ints:
        """How many votes each model has [M]."""
        counted: Ints = (~np.isnan(self.scores)).sum(axis=0)
        return counted


def redrawn_means(votes: Votes, seed: int = 0) -> Floats:
    """Return every model's mean [REDRAWS, M] over votes drawn anew, NaN where a redraw holds none of a model's.

    People are drawn with replacement, then as many ballots as each drawn person has: the votes of one person
    are not independent. Models see the same redraws, so differences between them are paired. The same votes
    give the same redraws.
    """
    random = np.random.default_rng(seed)
    people = np.unique(votes.people, return_inverse=True)[1]
    members = [np.flatnonzero(people == person) for person in range(people.max() + 1)]
    shown = (~np.isnan(votes.scores)).astype(np.float64)
    scores = np.nan_to_num(votes.scores)
    parts = []
    block = max(1, _WEIGHTS_AT_ONCE // len(people))
    for start in range(0, REDRAWS, block):
        count = min(block, REDRAWS - start)
        times = random.multinomial(len(members), np.full(len(members), 1 / len(members)), count)
        weights = np.empty((count, len(people)))
        for person, ballots in enumerate(members):
            share = np.full(len(ballots), 1 / len(ballots))
            weights[:, ballots] = random.multinomial(times[:, person] * len(ballots), share)
        drawn = weights @ shown
        parts.append(np.divide(weights @ scores, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0))
    return np.concatenate(parts)


def interval(drawn: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """Return the percentile interval of redrawn figures [REDRAWS], NaN left out; None when nothing is left."""
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def kendall_tau_b(measured: Floats, rated: Floats) -> Floats:
    """Return Kendall's tau-b [R] between measured [M] and each row of rated [R, M]; NaN where either is all ties.

    (concordant - discordant) / sqrt(pairs untied in one * pairs untied in the other); -1 to 1. Rated figures
    are rounded to 9 digits, so that equal means are equal. A row with a NaN gives NaN.
    """
    first, second = np.array(list(combinations(range(len(measured)), 2))).T
    ours = np.sign(measured[first] - measured[second])
    rounded = np.round(rated, 9)
    theirs = np.sign(rounded[:, first] - rounded[:, second])
    untied = np.sqrt((ours != 0).sum() * (theirs != 0).sum(axis=1).astype(np.float64))
    tau: Floats = np.divide(theirs @ ours, untied, out=np.full(len(rated), np.nan), where=untied > 0)
    return tau


def share_in_order(drawn: Floats) -> float:
    """Return the share of redrawn differences [REDRAWS] that are above 0; a tie counts half, NaN not at all."""
    known = drawn[~np.isnan(drawn)]
    return float((known > 1e-9).mean() + (np.abs(known) <= 1e-9).mean() / 2)


def agreement_between_people(votes: Votes) -> tuple[float, int] | None:
    """Return the share of comparisons in which two people agree, and how many comparisons there are.

    A comparison is two people, one query and two models that both rated there. They agree when both put the
    same model higher, or both put the two level. None where no two people rated the same query.
    """
    first, second = np.array(list(combinations(range(votes.scores.shape[1]), 2)), dtype=int).reshape(-1, 2).T
    agreed = compared = 0
    for query in np.unique(votes.queries):
        scores = votes.scores[votes.queries == query]
        orders = np.sign(scores[:, first] - scores[:, second])  # [people, pairs of models], NaN where not both shown
        people = (~np.isnan(orders)).sum(axis=0)
        compared += int((people * (people - 1)).sum()) // 2
        for order in (-1, 0, 1):
            alike = (orders == order).sum(axis=0)
            agreed += int((alike * (alike - 1)).sum()) // 2
    return (agreed / compared, compared) if compared else None
