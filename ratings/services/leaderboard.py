"""The leaderboard: measured accuracy and blind ratings of every model, a table for each data set and protocol."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from accounts.roles import Visitor
from mlcore.evaluation.metric_table import HEADLINE, RECALL_AT_K, Metric, Place, shown_at, title_of
from ratings.errors import UnknownFilter
from ratings.models import Ballot
from ratings.services.equivalent_losses import EquivalentLosses, equivalent_losses
from ratings.services.leaderboard_decisions import TableDecisions, table_decisions
from ratings.services.leaderboard_metrics import metric_agreement_of
from ratings.services.leaderboard_people import statistics_of
from ratings.services.leaderboard_protocols import BoardProtocol
from ratings.services.leaderboard_ranks import RankTest, ranked
from ratings.services.leaderboard_rows import LeaderboardRow, measured_rows
from ratings.services.metric_agreement import MetricAgreement
from ratings.services.people_figures import ColumnBias, PairAgreement, PeopleAgreement, PeopleFigure, RankAgreement
from retrieval.models import Dataset

DEFAULT = "default"
"""Value of the filter `protocol`: of each data set the protocol with the most rows, the newest among equals."""


Protocols = Sequence[tuple[BoardProtocol, int]]
"""The protocols of a data set with their numbers of rows, the default first."""


@dataclass(frozen=True)
class Section:
    """A table: the rows of a data set under one protocol, the number of ballots on them and their statistics.

    is_default: whether it is the data set's default table.
    """

    dataset: Dataset
    protocol: BoardProtocol
    is_default: bool
    protocols: Protocols
    rows: Sequence[LeaderboardRow]
    test: RankTest
    ratings: int
    agreement: RankAgreement | PairAgreement | None
    people_agree: PeopleAgreement | None
    column_bias: ColumnBias | None
    metric_agreement: MetricAgreement
    enough: TableDecisions
    equivalent_losses: EquivalentLosses | None

    @property
    def equivalent_models(self) -> list[int]:
        """The keys of the models whose losses are one formula."""
        return [entry.model.pk for entry in self.equivalent_losses.models] if self.equivalent_losses else []

    @property
    def best(self) -> list[LeaderboardRow]:
        """The rows that the test does not tell from the best; empty where it says nothing."""
        return [row for row in self.rows if row.level_with_best]


def leaderboard(user: Visitor) -> list[LeaderboardRow]:
    """Return a row for each loss of each protocol that this person may see, with ranks: table by table, best first."""
    return [row for section in sections_for(user) for row in section.rows]


def columns() -> dict[str, Metric]:
    """Return the metrics that the leaderboard has, by name, in order."""
    return shown_at(Place.LEADERBOARD)


def charted() -> dict[str, str]:
    """Return the titles of the metrics that have a chart and an interval, by name: all but Recall@K of several K."""
    return {name: metric.title for name, metric in columns().items() if name != RECALL_AT_K}


def headline() -> str:
    """Return the title of the metric that models are ordered by and people's ratings are compared with."""
    return title_of(HEADLINE)


def sections_for(user: Visitor, dataset: str = "", protocol: str = "") -> list[Section]:
    """Return the tables that this person may see: by data set, its default protocol first.

    dataset: a slug; protocol: the name or value of a protocol, or DEFAULT; empty leaves none out.

    Raises:
        UnknownFilter: there is no such data set or protocol among the rows.
    """
    return sections_of(measured_rows(user), dataset, protocol)


def default_rows(user: Visitor, dataset: Dataset) -> list[LeaderboardRow]:
    """Return the rows of a data set's default table as they were measured, without ranks and people's figures."""
    tables = tables_of([row for row in measured_rows(user) if row.dataset == dataset], protocol=DEFAULT)
    return tables[0][0] if tables else []


def sections_of(rows: Sequence[LeaderboardRow], dataset: str = "", protocol: str = "") -> list[Section]:
    """Return the tables of these rows; see `sections_for`. Raises UnknownFilter."""
    return [_section(part, protocols) for part, protocols in tables_of(rows, dataset, protocol)]


def tables_of(
    rows: Sequence[LeaderboardRow], dataset: str = "", protocol: str = ""
) -> list[tuple[list[LeaderboardRow], Protocols]]:
    """Return the rows of each table as they were measured, and the protocols of its data set; see `sections_for`."""
    _check_filters(rows, dataset, protocol)
    return [
        (part, protocols)
        for of_dataset in _by_dataset(row for row in rows if dataset in ("", row.dataset.slug))
        for protocols in [_protocols(of_dataset)]
        for place, (one, _) in enumerate(protocols)
        if _is_chosen(one, protocol, is_default=place == 0)
        for part in [[row for row in of_dataset if row.protocol == one]]
    ]


def _check_filters(rows: Sequence[LeaderboardRow], dataset: str, protocol: str) -> None:
    named = {value for row in rows for value in (row.protocol.name, row.protocol.value)} | {DEFAULT}
    for name, value, values, what in (
        ("dataset", dataset, {row.dataset.slug for row in rows}, "data set"),
        ("protocol", protocol, named, "protocol"),
    ):
        if value and value not in values:
            raise UnknownFilter(f"no {what} of the leaderboard is called “{value}”", field=name)


def _is_chosen(protocol: BoardProtocol, value: str, *, is_default: bool) -> bool:
    return value in ("", protocol.name, protocol.value) or (value == DEFAULT and is_default)


def _protocols(rows: Sequence[LeaderboardRow]) -> list[tuple[BoardProtocol, int]]:
    """Return a data set's protocols with their numbers of rows: most rows first, then the newest; external last."""
    parts: dict[BoardProtocol, list[LeaderboardRow]] = {}
    for row in rows:
        parts.setdefault(row.protocol, []).append(row)

    def order(entry: tuple[BoardProtocol, list[LeaderboardRow]]) -> tuple[bool, int, int]:
        protocol, members = entry
        return protocol.is_external, -len(members), -max(one.model.pk for row in members for one in row.seeds)

    return [(protocol, len(members)) for protocol, members in sorted(parts.items(), key=order)]


def _section(rows: Sequence[LeaderboardRow], protocols: Protocols) -> Section:
    ordered, test = ranked(rows)
    statistics = statistics_of(ordered)
    ordered = [replace(row, people=statistics.figures.get(row.model.pk, PeopleFigure())) for row in ordered]
    agreement = statistics.agreement
    names = {row.model.pk: row.name for row in ordered}
    if isinstance(agreement, PairAgreement):
        agreement = replace(agreement, better=names[int(agreement.better)])
    return Section(
        dataset=ordered[0].dataset,
        protocol=ordered[0].protocol,
        is_default=ordered[0].protocol == protocols[0][0],
        protocols=protocols,
        rows=ordered,
        test=test,
        ratings=ratings_total(ordered),
        agreement=agreement,
        people_agree=statistics.people_agree,
        column_bias=statistics.column_bias,
        metric_agreement=metric_agreement_of(ordered),
        enough=table_decisions(ordered[0].dataset, statistics.enough, names),
        equivalent_losses=equivalent_losses([row.model for row in ordered]),
    )


def ratings_total(rows: Sequence[LeaderboardRow]) -> int:
    """Return the number of ballots on the models of the rows."""
    models = [one.model for row in rows for one in row.seeds]
    return Ballot.counted.filter(scores__ranking__model__in=models).distinct().count()


def _by_dataset(rows: Iterable[LeaderboardRow]) -> list[list[LeaderboardRow]]:
    parts: dict[Dataset, list[LeaderboardRow]] = {}
    for row in rows:
        parts.setdefault(row.dataset, []).append(row)
    return list(parts.values())
