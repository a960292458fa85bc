"""Where tuning searches: the range of every parameter and rate, its edges, and how it is widened."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from mlcore.comparison.plan import Comparison
from mlcore.comparison.tuning_state import LEARNING_RATE, PROXY_RATE, Ends, TrialValues, TuningState
from mlcore.config import AT_MOST
from mlcore.losses import loss_spec
from mlcore.losses.spec import LARGEST, Parameter

AROUND: Final = 4.0
"""A parameter is searched from a quarter of the paper's value to four times it."""

RATE_AROUND: Final = 10.0
"""A rate is searched from a tenth of the protocol's to ten times it."""

EDGE: Final = 0.05
"""Share of a range, of its logarithm where the scale is one, that counts as its edge at each end."""


@dataclass(frozen=True)
class SearchRange:
    """Where trials look for a parameter; ends included.

    around: what the ends are from the middle on a log scale. least, most: values that are allowed at all.
    """

    low: float
    high: float
    log: bool
    whole: bool
    around: float = AROUND
    least: float = -math.inf
    most: float = math.inf

    @property
    def ends(self) -> Ends:
        """Both ends, as files hold them."""
        return [self.low, self.high]

    def with_ends(self, ends: Ends) -> "SearchRange":
        """Return the same scale and bounds between other ends."""
        return replace(self, low=ends[0], high=ends[1])

    def is_at_edge(self, value: float) -> bool:
        """Return whether better values may lie beyond an end that this one is near; a bound of the loss is no edge."""
        scale = math.log if self.log else float
        inside = min(max(value, self.low), self.high)  # what a person chose may lie outside
        share = (scale(inside) - scale(self.low)) / (scale(self.high) - scale(self.low))
        return (share <= EDGE and self.low > self.least) or (share >= 1 - EDGE and self.high < self.most)

    def widened(self) -> "SearchRange":
        """Return the range with its factor squared, or three times as wide if it is no log scale, where allowed."""
        if self.log:
            return _within(replace(self, low=self.low / self.around, high=self.high * self.around))
        width = self.high - self.low
        return _within(replace(self, low=self.low - width, high=self.high + width))


def _within(found: SearchRange) -> SearchRange:
    """Return the part of a range that is allowed; on a log scale whole numbers begin at one at least."""
    low = max(1, math.floor(found.low)) if found.whole and found.log else found.low
    return replace(found, low=max(low, found.least), high=min(found.high, found.most))


def search_range(parameter: Parameter) -> SearchRange:
    """Return where to search: the parameter's own range, or a factor of 4 around its default, where legal."""
    least = parameter.low if parameter.low is not None else parameter.above
    bounds = (-math.inf if least is None else least, LARGEST if parameter.high is None else parameter.high)
    whole = isinstance(parameter.default, int)
    low, high = parameter.search or (parameter.default / AROUND, parameter.default * AROUND)
    return _within(SearchRange(low, high, parameter.search is None, whole, AROUND, *bounds))


def rate_range(name: str, rate: float) -> SearchRange:
    """Return where to search for the protocol's `learning_rate` or `proxy_rate_factor`: a factor of 10 around it."""
    ends = (rate / RATE_AROUND, rate * RATE_AROUND)
    return _within(SearchRange(*ends, log=True, whole=False, around=RATE_AROUND, least=0.0, most=AT_MOST[name]))


def freed(comparison: Comparison, loss: str) -> dict[str, SearchRange]:
    """Return what the trials of a loss may change: its own numbers, the learning rate, and its proxies' factor.

    A parameter that chooses between formulas is none of them: what won would be another loss. Plans of
    `Tuning.design` 1 leave the learning rate as it is.
    """
    spec, protocol = loss_spec(loss), comparison.protocol
    ranges = {name: search_range(parameter) for name, parameter in spec.parameters.items() if parameter.tuned}
    if spec.has_proxies:
        ranges[PROXY_RATE] = rate_range(PROXY_RATE, protocol.proxy_rate_factor)
    if comparison.tuning is not None and comparison.tuning.design > 1:
        ranges[LEARNING_RATE] = rate_range(LEARNING_RATE, protocol.learning_rate)
    return ranges


def edges(ranges: Mapping[str, SearchRange], values: TrialValues) -> list[str]:
    """Return the names of which a trial's value lies at an edge of its range."""
    return [name for name, found in ranges.items() if found.is_at_edge(value_of(values, name))]


def value_of(values: TrialValues, name: str) -> float:
    """Return a trial's value of a parameter or rate that it was free to choose."""
    return values[name] if name in (LEARNING_RATE, PROXY_RATE) else values["params"][name]  # type: ignore[literal-required]


def last_edges(state: TuningState, loss: str, best: TrialValues) -> list[str]:
    """Return the names of which a tuning's best value lies at an edge of the range that was searched last."""
    parameters = loss_spec(loss).parameters
    ends = state["ranges"] | (state["widened"] or {})
    rates = {name: rate_range(name, 1.0) for name in (LEARNING_RATE, PROXY_RATE)}
    known = rates | {name: search_range(parameter) for name, parameter in parameters.items() if parameter.tuned}
    return edges({name: known[name].with_ends(found) for name, found in ends.items() if name in known}, best)
