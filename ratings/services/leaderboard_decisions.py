"""Whether people's ratings decide a table, in words: for each row against the best one."""

from collections.abc import Mapping
from dataclasses import dataclass

from ratings.services import ballots
from ratings.services.enough_votes import EQUIVALENT, LEVEL, SEPARATED, Decision, EnoughVotes
from ratings.services.people_figures import OfPeople
from retrieval.models import Dataset

ABOUT = 10
"""Numbers of missing ballots are rounded up to these: they are estimates."""


@dataclass(frozen=True)
class PairDecision:
    """A decision (`enough_votes.Decision`) between the best row and this one, by its key and its name.

    needs_queries: whether it takes more queries than the data set has, so that more ballots alone do not decide it.
    """

    id: int
    model: str
    difference: float
    half_width: float
    state: str
    ballots: int | None
    queries: int | None
    needs_queries: bool
    text: str


@dataclass(frozen=True)
class TableDecisions(OfPeople):
    """The decisions of a table, the closest first. queries_available: how many queries of the data set people rate."""

    best: str
    ballots: int
    queries_available: int
    pairs: tuple[PairDecision, ...]
    people: int
    queries: int
    no_interval: str

    @property
    def open_pairs(self) -> int:
        return sum(pair.state not in (SEPARATED, LEVEL) for pair in self.pairs)


def table_decisions(dataset: Dataset, enough: EnoughVotes, names: Mapping[int, str]) -> TableDecisions:
    """Return the decisions of a table. names: of its rows, by key."""
    available = queries_available(dataset)
    return TableDecisions(
        best="" if enough.best is None else names[enough.best],
        ballots=enough.ballots,
        queries_available=available,
        pairs=tuple(_pair(decision, names[decision.model], available) for decision in enough.decisions),
        people=enough.people,
        queries=enough.queries,
        no_interval=enough.no_interval,
    )


def queries_available(dataset: Dataset) -> int:
    """Return how many queries of a data set people rate at most."""
    return min(ballots.QUERIES, dataset.images.asking().count())


def _pair(decision: Decision, name: str, available: int) -> PairDecision:
    return PairDecision(
        id=decision.model,
        model=name,
        difference=decision.difference,
        half_width=decision.half_width,
        state=decision.state,
        ballots=decision.ballots,
        queries=decision.queries,
        needs_queries=needs_queries(decision, available),
        text=decision_text(decision, available),
    )


def needs_queries(decision: Decision, available: int) -> bool:
    """Return whether more ballots alone do not decide a pair."""
    return decision.queries is not None and decision.queries > available


def decision_text(decision: Decision, available: int) -> str:
    """Return what a decision says, without the models' names."""
    if decision.state == SEPARATED:
        return f"decided: 0 lies outside the interval of the difference of {decision.difference:.2f} points"
    if decision.state == LEVEL:
        return f"decided: they differ by at most {EQUIVALENT} points"
    if needs_queries(decision, available):
        return f"undecided: it takes about {decision.queries} queries, and people rate {available} at most"
    if decision.ballots is None:
        return "undecided"
    return f"undecided: it takes about {about(decision.ballots)} more ballots"


def about(ballots: int) -> int:
    """Return a number of missing ballots as it is told: rounded up."""
    return -(-ballots // ABOUT) * ABOUT
