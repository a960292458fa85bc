"""Statistics of blind ratings: bootstrap intervals, rank correlation, agreement. Arrays in, numbers out."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mlcore.evaluation import judged_metrics

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

RESAMPLES = 1000
FEWEST_RATINGS = 5
"""Of a model, before it is compared with the metric."""

FEWEST_PEOPLE = 5
FEWEST_QUERIES = judged_metrics.FEWEST_QUERIES
"""Below these a resample of people or queries says next to nothing of others, so there is no interval."""

PEOPLE_ENOUGH = 10
"""From here on intervals need no widening."""

STUDENT_T = {5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""The 97.5 % quantile of Student's t with one degree of freedom less than the key. Not from scipy: a page needs it."""

MOST_UNKNOWN = 0.05
"""Share of resamples that may lack a model (they drew none of its ballots) before its interval is withheld."""

NO_RATINGS = "no_ratings"
NOT_COMPARED = "not_compared"
FEW_PEOPLE = "few_people"
FEW_QUERIES = "few_queries"
UNSTABLE = "unstable"
NO_VARIATION = "no_variation"
"""Why a figure has no interval."""


@dataclass(frozen=True)
class Ratings:
    """B ballots on M models. people [B] and queries [B]: keys; values [B, M]: ratings 1 to 5, NaN where not shown.

    columns [B, M]: each model's column on the ballot, 1 is the leftmost, 0 where it is not shown or not one; None
    where nothing is known of columns.
    """

    people: Ints
    queries: Ints
    values: Floats
    columns: Ints | None = None

    @property
    def counts(self) -> Ints:
        """Number of ratings of each model [M]."""
        counted: Ints = (~np.isnan(self.values)).sum(axis=0)
        return counted

    @cached_property
    def people_places(self) -> Ints:
        """The people [B], numbered from 0."""
        places: Ints = np.unique(self.people, return_inverse=True)[1]
        return places

    @cached_property
    def query_places(self) -> Ints:
        """The queries [B], numbered from 0."""
        places: Ints = np.unique(self.queries, return_inverse=True)[1]
        return places

    def reach(self, models: Ints) -> tuple[int, int]:
        """Return how many people rated any of these models, by their places, and on how many queries."""
        rated = ~np.isnan(self.values[:, models]).all(axis=1)
        return len(np.unique(self.people[rated])), len(np.unique(self.queries[rated]))


def widening(people: int, queries: int) -> float:
    """Return by how much intervals are widened for few people: 1 from PEOPLE_ENOUGH on, 1.23 at 5.

    Student's t at one degree of freedom less than the fewer of both, over that of PEOPLE_ENOUGH: from there on the
    percentiles cover what they should (`python -m benchmarks.ratings`), below that they are too narrow.
    """
    fewer = min(people, queries, PEOPLE_ENOUGH)
    return STUDENT_T[max(fewer, FEWEST_PEOPLE)] / STUDENT_T[PEOPLE_ENOUGH]


def why_no_interval(people: int, queries: int) -> str:
    """Return FEW_PEOPLE or FEW_QUERIES where a two-way bootstrap says nothing; else the empty text."""
    if people < FEWEST_PEOPLE:
        return FEW_PEOPLE
    return FEW_QUERIES if queries < FEWEST_QUERIES else ""


def widened(ends: tuple[float, float] | None, factor: float) -> tuple[float, float] | None:
    """Return an interval with its length multiplied, about its middle."""
    if ends is None:
        return None
    more = (factor - 1) * (ends[1] - ends[0]) / 2
    return ends[0] - more, ends[1] + more


def estimable(resampled: Floats) -> bool:
    """Return whether nearly all resamples [RESAMPLES] have the figure: at most MOST_UNKNOWN are NaN."""
    return bool(np.isnan(resampled).mean() <= MOST_UNKNOWN)


def interval(resampled: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """Return the percentile interval of resampled values [RESAMPLES], NaN left out; None when nothing is left."""
    defined = resampled[~np.isnan(resampled)]
    if not len(defined):
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def interval_or_why(
    resampled: Floats, reach: tuple[int, int], level: float = 0.95
) -> tuple[float | None, float | None, str]:
    """Return the ends of the interval of resampled values [RESAMPLES], widened for few people, or why there is none.

    reach: the people and queries that the values are of. The reason is a code such as FEW_PEOPLE, else empty.
    """
    reason = why_no_interval(*reach) or ("" if estimable(resampled) else UNSTABLE)
    ends = None if reason else widened(interval(resampled, level), widening(*reach))
    return *rounded_ends(ends), reason


def rounded(value: float) -> float:
    """Return a figure with 9 digits, so that equal means differ by 0 and not by the last bit; never -0."""
    return round(float(value), 9) + 0.0


def rounded_ends(ends: tuple[float, float] | None) -> tuple[float | None, float | None]:
    """Return the ends of an interval with 9 digits; two None for none."""
    return (None, None) if ends is None else (rounded(ends[0]), rounded(ends[1]))


def kendall_tau_b(measured: Floats, rated: Floats) -> Floats:
    """Return Kendall's tau-b [R] between measured [M] and each row of rated [R, M]; NaN where either is all ties.

    (concordant - discordant) / sqrt(pairs untied in one * pairs untied in the other); -1 to 1. Rated means
    are rounded to 9 digits, so that equal means are equal. A row with a NaN gives NaN.
    """
    first, second = np.array(list(combinations(range(len(measured)), 2))).T
    ours = np.sign(measured[first] - measured[second])
    rounded = np.round(rated, 9)
    theirs = np.sign(rounded[:, first] - rounded[:, second])
    untied = np.sqrt((ours != 0).sum() * (theirs != 0).sum(axis=1).astype(np.float64))
    tau: Floats = np.divide(theirs @ ours, untied, out=np.full(len(rated), np.nan), where=untied > 0)
    return tau


def share_in_order(resampled: Floats) -> float:
    """Return the share of resampled differences [RESAMPLES] that are above 0; a tie counts half, NaN not at all."""
    defined = resampled[~np.isnan(resampled)]
    return float((defined > 1e-9).mean() + (np.abs(defined) <= 1e-9).mean() / 2)
