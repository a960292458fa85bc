"""What people say of the models of a table: figures of a row, agreement with the metric and among people."""

from dataclasses import asdict, dataclass

from ratings.services.rating_statistics import (
    FEW_PEOPLE,
    FEW_QUERIES,
    FEWEST_PEOPLE,
    FEWEST_QUERIES,
    NO_RATINGS,
    NO_VARIATION,
    NOT_COMPARED,
    UNSTABLE,
)

NO_INTERVAL = (NO_RATINGS, NOT_COMPARED, FEW_PEOPLE, FEW_QUERIES, UNSTABLE, NO_VARIATION)
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
        NO_VARIATION: "all ratings are equal",
    }[code]


def rank_range_text(low: int | None, high: int | None) -> str:
    """Return a range of ranks as 1–2; empty where there is none."""
    if low is None or high is None:
        return ""
    return str(low) if low == high else f"{low}–{high}"


class OfPeople:
    """A figure of so many people and queries. no_interval: why it has no interval, of NO_INTERVAL; empty if it has."""

    people: int
    queries: int
    no_interval: str

    @property
    def no_interval_text(self) -> str:
        return no_interval_text(self.no_interval, self.people, self.queries)


def figure_document(figure: OfPeople | None) -> dict[str, object] | None:
    """Return a figure as JSON holds it, its reason in words too; None for none."""
    if figure is None:
        return None
    values = asdict(figure)  # type: ignore[call-overload]  # every figure is a dataclass; a base's fields would be first
    return {**values, "no_interval_text": figure.no_interval_text}


@dataclass(frozen=True)
class PeopleFigure(OfPeople):
    """What people say of a row.

    mean: its ballot-centred mean (`centred_means`), None without ratings or a comparison. low, high: 95 % interval.
    rank_low, rank_high: the ranks by that mean which simultaneous intervals leave open. people, queries: how many
    rated it, and on how many. no_interval: why it has neither interval nor ranks, of NO_INTERVAL; empty if it has.
    win_rate: how often it is rated higher than an average other model (`win_rates`), 0 to 1, with its 95 % interval.
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    people: int = 0
    queries: int = 0
    no_interval: str = NO_RATINGS
    win_rate: float | None = None
    win_low: float | None = None
    win_high: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def rank_text(self) -> str:
        """The ranks that the intervals leave open, as 1–2; empty where it has none."""
        return rank_range_text(self.rank_low, self.rank_high)


@dataclass(frozen=True)
class RankAgreement(OfPeople):
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


@dataclass(frozen=True)
class PairAgreement(OfPeople):
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


@dataclass(frozen=True)
class PeopleAgreement(OfPeople):
    """How far people agree about the same results.

    share: of the comparisons in which two agree; chance: the share that chance gives. alpha: Krippendorff's, ordinal,
    1 is perfect and 0 is chance; None where all ratings are equal. alpha_low, alpha_high: its 95 % interval. people,
    queries: how many alpha is of. no_interval: why alpha has no interval.
    """

    share: float
    chance: float
    comparisons: int
    alpha: float | None
    alpha_low: float | None
    alpha_high: float | None
    people: int
    queries: int
    no_interval: str


@dataclass(frozen=True)
class ColumnFigure:
    """The mean rating of a column, 1 is the leftmost, above the mean of its ballot, in points. low, high: interval."""

    column: int
    mean: float
    low: float | None
    high: float | None
    ratings: int

    @property
    def is_biased(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True)
class ColumnBias(OfPeople):
    """Whether a column's place on the ballot moves its ratings. The intervals of all columns hold together at 95 %."""

    columns: tuple[ColumnFigure, ...]
    people: int
    queries: int
    no_interval: str

    @property
    def biased(self) -> list[ColumnFigure]:
        """The columns whose interval leaves out 0."""
        return [figure for figure in self.columns if figure.is_biased]
