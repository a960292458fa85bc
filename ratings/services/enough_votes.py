"""Whether the ratings decide between the best model and the others, and how many ballots are missing. Arrays in,
numbers out.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np

from ratings.services.ballot_influence import influences
from ratings.services.centred_means import Estimates, pair_intervals
from ratings.services.people_figures import OfPeople
from ratings.services.rating_statistics import NO_RATINGS, NOT_COMPARED, UNSTABLE, Floats, Ratings, rounded

EQUIVALENT = 0.2
"""Points of 1 to 5: a smaller difference between two models is of no use to anybody."""

EVERY_BALLOT = 1.5
"""By how much intervals of one look are widened, because a page looks again with every ballot.

The bound that a standardised Brownian motion exceeds with 5 % anywhere between 1 and 32 times the ballots is 3.0, of
one look 1.96 (Siegmund, "Sequential Analysis", 1985). `python -m benchmarks.stopping` measures the error that is left.
"""

SEPARATED, LEVEL, OPEN = "separated", "equivalent", "open"
STATES = (SEPARATED, LEVEL, OPEN)


@dataclass(frozen=True)
class Decision:
    """What the ratings say of the best model and another one.

    model: the other one's place, in a table its row's key. difference: best - other, in points; half_width: of its
    simultaneous interval, widened by EVERY_BALLOT. state: SEPARATED if the interval leaves out 0, LEVEL if it lies
    within EQUIVALENT of 0, else OPEN. ballots: how many more are needed then; queries: how many are needed at least,
    however many ballots there are. Both None where the pair is decided; queries also where no query has two ballots
    on the pair.
    """

    model: int
    difference: float
    half_width: float
    state: str
    ballots: int | None = None
    queries: int | None = None


@dataclass(frozen=True)
class EnoughVotes(OfPeople):
    """Decisions between the best model by blind rating and each other one, the closest first.

    best: its place, in a table its row's key. ballots: those that compare two models. people, queries: how many rated
    the best, or where no_interval says why there is no decision, the model that lacks an interval.
    """

    best: int | None = None
    decisions: tuple[Decision, ...] = ()
    ballots: int = 0
    people: int = 0
    queries: int = 0
    no_interval: str = NO_RATINGS

    @property
    def top(self) -> Decision | None:
        """The decision between the best model and the next one."""
        return self.decisions[0] if self.decisions else None


def enough_votes(ratings: Ratings, estimates: Estimates, factors: Floats, reasons: list[str]) -> EnoughVotes:
    """Return what the ratings decide between the best model and each other one.

    factors [M]: see `pair_intervals`; reasons [M]: why a model has no interval, else empty. More ballots are
    supposed to be like those so far: as many people and queries a ballot, and the same spread. The half-width w of n
    ballots is then w sqrt(n / m) of m, so n (w / t)^2 - n more bring it to t. The target t is EQUIVALENT while w is
    wider. From there on it is the nearer of the two decisions, if the difference stays: |d|, or EQUIVALENT - |d|.
    """
    compared = (~np.isnan(ratings.values)).sum(axis=1) > 1
    number = int(compared.sum())
    known = ~np.isnan(estimates.values)
    if known.sum() < 2:
        return EnoughVotes(None, (), number, *ratings.reach(np.arange(len(known))), NOT_COMPARED)
    best = int(np.nanargmax(np.round(estimates.values, 9)))
    pairs = pair_intervals(estimates, factors)
    decisions = []
    mine = ((pairs.first == best) | (pairs.second == best)) & np.isfinite(pairs.limits)
    for place in np.flatnonzero(mine):
        rival = int(pairs.first[place] + pairs.second[place]) - best
        figures = (abs(pairs.differences[place]), EVERY_BALLOT * pairs.limits[place], pairs.errors[place])
        decisions.append(_decision(rival, figures, number, _variance_between_queries(ratings, best, rival)))
    order = sorted(decisions, key=lambda decision: (decision.difference, decision.model))
    if order:
        return EnoughVotes(best, tuple(order), number, *ratings.reach(np.array([best])), "")
    in_order = [best, *np.argsort(-estimates.values)]
    lacking = next((place for place in in_order if reasons[place]), best)
    return EnoughVotes(best, (), number, *ratings.reach(np.array([lacking])), reasons[lacking] or UNSTABLE)


def _decision(model: int, figures: tuple[float, float, float], number: int, between: float | None) -> Decision:
    """Return the decision on a model. figures: the difference, the half-width of its interval, its standard error."""
    difference, limit, error = map(float, figures)
    state = state_of(difference, limit)
    if state != OPEN:
        return Decision(model, rounded(difference), rounded(limit), state)
    target = EQUIVALENT if limit > EQUIVALENT else max(difference, EQUIVALENT - difference)
    ballots = max(1, ceil(number * (limit / target) ** 2 - number - 1e-9))
    multiple = limit / error  # the interval's, of a standard error
    queries = None if between is None else ceil(between * (multiple / target) ** 2 - 1e-9)
    return Decision(model, rounded(difference), rounded(limit), OPEN, ballots, queries)


def state_of(difference: float, half_width: float) -> str:
    """Return what an interval of a difference, 0 or more, decides."""
    if difference > max(half_width, 1e-9):
        return SEPARATED
    return LEVEL if difference + half_width <= EQUIVALENT else OPEN


def _variance_between_queries(ratings: Ratings, best: int, rival: int) -> float | None:
    """Return the variance between queries of the difference of two models, in points squared; None if unknown.

    Two ballots on one query, by different people, share nothing but the query, so the mean product of their
    deviations from the difference is its share of the variance. No number of people lowers it.
    """
    deviations = influences(ratings, best, rival) * len(ratings.people)
    queries = ratings.query_places
    sums, squares, counts = (
        np.bincount(queries, weights) for weights in (deviations, deviations**2, np.ones(len(queries)))
    )
    number = float((counts * (counts - 1)).sum())
    return max(0.0, float((sums**2 - squares).sum()) / number) if number else None
