"""What people say of the models of a table: figures of a row, agreement with the metric and among people."""

from dataclasses import dataclass

from ratings.services.rating_statistics import (
    FEW_PEOPLE,
    FEW_QUERIES,
    FEWEST_PEOPLE,
    FEWEST_QUERIES,
    NO_RATINGS,
    NOT_COMPARED,
    UNSTABLE,
)

NO_INTERVAL = (NO_RATINGS, NOT_COMPARED, FEW_PEOPLE, FEW_QUERIES, UNSTABLE)
"""The codes of why a figure has no interval."""


def no_interval_text(code: str, people: int, queries: int) -> str:
    """Return a code of NO_INTERVAL in words; empty for none. people, queries: how many the ratings are of."""
    return {
        "": "",
        NO_RATINGS: "no ratings yet",
        NOT_COMPARED: "no ballot compares it with the other models",
        FEW_PEOPLE: f"an interval needs {FEWEST_PEOPLE} people; {people} rated",
        FEW_QUERIES: f"an interval needs {FEWEST_QUERIES} queries; {queries} are rated",
        UNSTABLE: "too few ballots compare it with the other models",
    }[code]


@dataclass(frozen=True)
class PeopleFigure:
    """What people say of a row.

    mean: its ballot-centred mean (`centred_means`), None without ratings or a comparison. low, high: 95 % interval.
    rank_low, rank_high: the ranks by that mean which simultaneous intervals leave open. people, queries: how many
    rated it, and on how many. no_interval: why it has neither interval nor ranks, of NO_INTERVAL; empty if it has.
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    people: int = 0
    queries: int = 0
    no_interval: str = NO_RATINGS

    @property
    def no_interval_text(self) -> str:
        return no_interval_text(self.no_interval, self.people, self.queries)

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def rank_text(self) -> str:
        """The ranks that the intervals leave open, as 1–2; empty where it has none."""
        if self.rank_low is None or self.rank_high is None:
            return ""
        return str(self.rank_low) if self.rank_low == self.rank_high else f"{self.rank_low}–{self.rank_high}"


@dataclass(frozen=True)
class RankAgreement:
    """Kendall's tau-b between metric and human means of three models or more; tau None: all level in one of the two.

    low, high: 95 % interval; no_interval: why there is none.
    """

    models: int
    tau: float | None
    low: float | None
    high: float | None
    people: int
    queries: int
    no_interval: str

    @property
    def no_interval_text(self) -> str:
        return no_interval_text(self.no_interval, self.people, self.queries)


@dataclass(frozen=True)
class PairAgreement:
    """Whether people prefer the model of two that the metric prefers.

    better: that model's key, in a section its name; is_level: the metric prefers none; difference: of the human
    means, its own first; low, high: its 95 % interval; certainty: share of resamples in which its human mean is the
    higher one. no_interval: why there is neither interval nor certainty.
    """

    models: int
    better: int | str
    is_level: bool
    difference: float
    low: float | None
    high: float | None
    certainty: float | None
    people: int
    queries: int
    no_interval: str

    @property
    def no_interval_text(self) -> str:
        return no_interval_text(self.no_interval, self.people, self.queries)


@dataclass(frozen=True)
class PeopleAgreement:
    """Share of the comparisons in which two people agree, and the number of comparisons."""

    share: float
    comparisons: int
