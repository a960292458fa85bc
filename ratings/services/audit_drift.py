"""Whether ratings change over time: means by periods of ballots, and a test of trend. Arrays in, numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ratings.services.centred_means import Estimates, centred_means, weighted_sums
from ratings.services.people_figures import NO_INTERVAL, OfPeople
from ratings.services.rating_statistics import Floats, Ints, Ratings, interval_or_why, rounded

MOST_PERIODS = 8
FEWEST_PERIODS = 3
BALLOTS_OF_A_PERIOD = 10

FEW_BALLOTS = "few_ballots"
FEWEST_BALLOTS = FEWEST_PERIODS * BALLOTS_OF_A_PERIOD
NO_TREND = (FEW_BALLOTS, *NO_INTERVAL)
"""The codes of why there is no test of trend."""

TESTS = 2
"""Trends that an audit tests: each has its share of the 5 %."""


@dataclass(frozen=True)
class Period:
    """The value of a period of ballots, None where it has none; low, high: its 95 % interval over people and queries.

    first, last: its ballots, 1 is the one that was cast first.
    """

    first: int
    last: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Drift(OfPeople):
    """A value by period, and its trend.

    change: from the first period to the last on the least-squares line, in points; low, high: its interval at 97.5 %,
    since an audit tests two trends. no_interval: why there is no test, of NO_TREND.
    """

    periods: tuple[Period, ...]
    change: float | None
    low: float | None
    high: float | None
    people: int
    queries: int
    no_interval: str

    @property
    def is_found(self) -> bool:
        """Whether the interval of the change leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    @property
    def no_interval_text(self) -> str:
        if self.no_interval == FEW_BALLOTS:
            return f"a trend needs {FEWEST_BALLOTS} ballots that compare models"
        return super().no_interval_text


def in_periods(ballots: int) -> list[slice]:
    """Return the periods of so many ballots in the order in which they were cast: about equal, at most MOST_PERIODS."""
    number = min(MOST_PERIODS, ballots // BALLOTS_OF_A_PERIOD)
    if number < FEWEST_PERIODS:
        return []
    ends = [round(ballots * place / number) for place in range(number + 1)]
    return [slice(first, last) for first, last in zip(ends, ends[1:], strict=False)]


def drift_of_level(ratings: Ratings, means: Floats) -> Drift:
    """Return how the mean rating drifts, as if every ballot had shown every model.

    ratings: in the order in which they were cast; means [M]: the ballot-centred means. A ballot's level is the mean of
    its ratings less the means of the models that it shows, plus the mean of all models: a worse model that joins late
    does not lower it.
    """
    values = ratings.values - (means - np.nanmean(means))
    rated = ~np.isnan(values)
    number = rated.sum(axis=1)
    level = np.divide(np.nansum(values, axis=1), number, out=np.zeros(len(values)), where=number > 0)
    weight = (number > 0).astype(np.float64)
    periods = in_periods(len(values))
    sums = [
        weighted_sums(ratings, lambda part: np.stack([level[part] * weight[part], weight[part]], axis=1), rows=period)
        for period in periods
    ]
    by_period = [
        np.divide(total[:, 0], total[:, 1], out=np.full(len(total), np.nan), where=total[:, 1] > 0) for total in sums
    ]
    return _drift(periods, by_period, ratings.reach(np.arange(values.shape[1])))


def drift_of_difference(ratings: Ratings, first: int, second: int) -> Drift:
    """Return how the difference of two ballot-centred means (first - second) drifts.

    Each period has its own means. A period whose ballots do not compare the two has no value.
    """
    periods = in_periods(len(ratings.people))
    found = [centred_means(ratings, rows=period) for period in periods]
    by_period = [_difference(one, first, second) for one in found]
    return _drift(periods, by_period, ratings.reach(np.array([first, second])))


def _difference(estimates: Estimates, first: int, second: int) -> Floats:
    both = np.vstack([estimates.values, estimates.resampled])
    difference: Floats = both[:, first] - both[:, second]
    return difference


def _drift(periods: Sequence[slice], by_period: Sequence[Floats], reach: tuple[int, int]) -> Drift:
    """Return the drift of values [1 + RESAMPLES] of each period, the first of them as they are."""
    if not periods:
        return Drift((), None, None, None, *reach, FEW_BALLOTS)
    shown = tuple(_period(period, values, reach) for period, values in zip(periods, by_period, strict=True))
    table = np.stack(by_period, axis=1)
    table = table[:, ~np.isnan(table[0])]
    places = np.array([place for place, period in enumerate(shown) if period.value is not None])
    if len(places) < FEWEST_PERIODS:
        return Drift(shown, None, None, None, *reach, FEW_BALLOTS)
    changes = _changes(table, places, len(periods))
    low, high, reason = interval_or_why(changes[1:], reach, 1 - 0.05 / TESTS)
    return Drift(shown, rounded(changes[0]), low, high, *reach, reason)


def _changes(table: Floats, places: Ints, periods: int) -> Floats:
    """Return the change from the first period to the last on the line through the values [R, P] at these places."""
    centred = places - places.mean()
    slopes: Floats = (table @ centred) / (centred**2).sum()
    return slopes * (periods - 1)


def _period(period: slice, values: Floats, reach: tuple[int, int]) -> Period:
    value = None if np.isnan(values[0]) else rounded(values[0])
    low, high, _ = (None, None, "") if value is None else interval_or_why(values[1:], reach)
    return Period(period.start + 1, period.stop, value, low, high)
