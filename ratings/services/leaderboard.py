"""The leaderboard: measured accuracy and blind ratings of every model, a table for each data set and protocol."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.core.cache import cache
from django.db.models import Count, Max

from accounts.roles import Visitor
from mlcore.evaluation.metric_table import HEADLINE, RECALL_AT_K, Metric, Place, shown_at, title_of
from ratings.errors import UnknownFilter
from ratings.models import Ballot, BlindScore
from ratings.services.equivalent_losses import EquivalentLosses, equivalent_losses
from ratings.services.leaderboard_protocols import BoardProtocol
from ratings.services.leaderboard_ranks import RankTest, ranked
from ratings.services.leaderboard_rows import Interval, LeaderboardRow, measured_rows
from ratings.services.rating_statistics import (
    FEWEST_RATINGS,
    Floats,
    Ratings,
    agreement_between_people,
    interval,
    kendall_tau_b,
    resampled_means,
    share_in_order,
)
from retrieval.models import Dataset

DEFAULT = "default"
"""Value of the filter `protocol`: of each data set the protocol with the most rows, the newest among equals."""

KEEP_SECONDS = 600  # statistics of the same ratings; new ratings have another key
FEWEST_FOR_TAU = 3


@dataclass(frozen=True)
class RankAgreement:
    """Kendall's tau-b between metric and human means of three models or more; tau None: all level in one of the two."""

    models: int
    tau: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class PairAgreement:
    """Whether people prefer the model of two that the metric prefers.

    better: that model's key, in a section its name; is_level: the metric prefers none; difference: of the human
    means, its own first; certainty: share of resamples in which its human mean is the higher one.
    """

    models: int
    better: int | str
    is_level: bool
    difference: float
    certainty: float


@dataclass(frozen=True)
class PeopleAgreement:
    """Share of the comparisons in which two people agree, and the number of comparisons."""

    share: float
    comparisons: int


@dataclass(frozen=True)
class Statistics:
    """Statistics of the ratings of a data set's models; intervals: of human means, by the model's key."""

    intervals: dict[int, Interval | None]
    agreement: RankAgreement | PairAgreement | None
    people_agree: PeopleAgreement | None


@dataclass(frozen=True)
class Section:
    """A table: the rows of a data set under one protocol, the number of ballots on them and their statistics.

    is_default: whether it is the data set's default table; protocols: every protocol of the data set with its number
    of rows, the default first.
    """

    dataset: Dataset
    protocol: BoardProtocol
    is_default: bool
    protocols: Sequence[tuple[BoardProtocol, int]]
    rows: Sequence[LeaderboardRow]
    test: RankTest
    ratings: int
    agreement: RankAgreement | PairAgreement | None
    people_agree: PeopleAgreement | None
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


def sections_of(rows: Sequence[LeaderboardRow], dataset: str = "", protocol: str = "") -> list[Section]:
    """Return the tables of these rows; see `sections_for`. Raises UnknownFilter."""
    _check_filters(rows, dataset, protocol)
    return [
        _section(part, protocols)
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


def _section(rows: Sequence[LeaderboardRow], protocols: Sequence[tuple[BoardProtocol, int]]) -> Section:
    ordered, test = ranked(rows)
    statistics = _statistics_of(ordered)
    ordered = [replace(row, human_interval=statistics.intervals.get(row.model.pk)) for row in ordered]
    agreement = statistics.agreement
    if isinstance(agreement, PairAgreement):
        names = {row.model.pk: row.name for row in ordered}
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
        equivalent_losses=equivalent_losses([row.model for row in ordered]),
    )


def ratings_total(rows: Sequence[LeaderboardRow]) -> int:
    """Return the number of ballots on the models of the rows."""
    models = [one.model for row in rows for one in row.seeds]
    return Ballot.objects.filter(scores__ranking__model__in=models).distinct().count()


def _by_dataset(rows: Iterable[LeaderboardRow]) -> list[list[LeaderboardRow]]:
    parts: dict[Dataset, list[LeaderboardRow]] = {}
    for row in rows:
        parts.setdefault(row.dataset, []).append(row)
    return list(parts.values())


def _statistics_of(rows: Sequence[LeaderboardRow]) -> Statistics:
    """Return the statistics of the ratings of these models, cached until a rating comes or goes.

    Ratings are never changed and their keys never used again, so their number and newest key tell two states apart.
    """
    measured = {row.model.pk: row.headline for row in sorted(rows, key=lambda row: row.model.pk)}
    row_of = {one.model.pk: row.model.pk for row in rows for one in row.seeds}
    state = BlindScore.objects.filter(ranking__model__in=list(row_of)).aggregate(count=Count("pk"), newest=Max("pk"))
    known = hash((tuple(measured.items()), tuple(sorted(row_of.items()))))
    statistics: Statistics = cache.get_or_set(  # type: ignore[assignment]  # what is set is what comes
        f"ratings-statistics:{known}:{state['count']}:{state['newest']}",
        lambda: _computed(_ratings_of(list(measured), row_of), measured),
        KEEP_SECONDS,
    )
    return statistics


def _ratings_of(rows: Sequence[int], row_of: Mapping[int, int]) -> Ratings:
    """Return every rating of these rows' models, a ballot a row; two seeds of a row on one ballot give their mean."""
    places = {row: place for place, row in enumerate(rows)}
    columns = {model: places[row] for model, row in row_of.items()}
    ballots: dict[object, int] = {}
    rows_of_searches: dict[object, int] = {}
    people, queries, cells = [], [], []
    fields = ("ballot", "ballot__who", "ballot__search", "ranking__model", "score")
    for ballot, who, search, model, rating in (
        BlindScore.objects.filter(ranking__model__in=list(row_of)).order_by("pk").values_list(*fields)
    ):
        if ballot not in ballots:
            ballots[ballot] = len(ballots)
            people.append(who)
            queries.append(rows_of_searches.setdefault(search, len(rows_of_searches)))
        cells.append((ballots[ballot], columns[model], rating))
    sums, counts = np.zeros((len(ballots), len(rows))), np.zeros((len(ballots), len(rows)))
    for row, column, rating in cells:
        sums[row, column] += rating
        counts[row, column] += 1
    table = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return Ratings(np.array(people, dtype=np.int64), np.array(queries, dtype=np.int64), table)


def _computed(ratings: Ratings, measured: dict[int, float]) -> Statistics:
    if not len(ratings.people):
        return Statistics({}, None, None)
    means = resampled_means(ratings)
    rated = [place for place, count in enumerate(ratings.counts) if count >= FEWEST_RATINGS]
    models = list(measured)
    between = agreement_between_people(ratings)
    return Statistics(
        intervals={models[place]: interval(means[:, place]) for place in rated},
        agreement=_agreement(
            np.array([measured[models[place]] for place in rated]),
            np.nanmean(ratings.values[:, rated], axis=0),
            means[:, rated],
            [models[place] for place in rated],
        ),
        people_agree=PeopleAgreement(*between) if between else None,
    )


def _agreement(
    measured: Floats, rated: Floats, resampled: Floats, models: list[int]
) -> RankAgreement | PairAgreement | None:
    """Return how metric and human means go together: tau-b of three models or more, else whether two agree."""
    if len(models) < FEWEST_FOR_TAU - 1:
        return None
    if len(models) >= FEWEST_FOR_TAU:
        tau = float(kendall_tau_b(measured, rated[None])[0])
        low, high = interval(kendall_tau_b(measured, resampled)) or (None, None)
        return RankAgreement(len(models), None if np.isnan(tau) else tau, low, high)
    better = int(measured[1] > measured[0])
    worse = 1 - better
    return PairAgreement(
        models=2,
        better=models[better],
        is_level=bool(measured[0] == measured[1]),
        difference=float(rated[better] - rated[worse]),
        certainty=share_in_order(resampled[:, better] - resampled[:, worse]),
    )
