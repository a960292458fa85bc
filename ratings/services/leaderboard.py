"""The leaderboard: measured accuracy and blind ratings of every model, computed on request."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from django.core.cache import cache
from django.db.models import Avg, Count, F, Max, Q

from accounts.roles import Visitor
from mlcore.evaluation.metric_table import HEADLINE, RECALL_AT_K, Figure, Metric, Place, columns_of, shown_at, title_of
from ratings.errors import UnknownFilter
from ratings.models import Ballot, BlindScore
from ratings.services.equivalent_losses import EquivalentLosses, equivalent_losses
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
from retrieval.models import Dataset, Index, Model
from retrieval.registry.services.visibility import visible_models

EXTERNAL = "external"
"""In place of the protocol of a model that was trained elsewhere."""

KEEP_SECONDS = 600  # statistics of the same ratings; new ratings have another key
FEWEST_FOR_TAU = 3

Interval = tuple[float, float]


@dataclass(frozen=True)
class LeaderboardRow:
    """A measured model.

    figures: of `columns()`; recall_at: Recall@K by K. Metrics are fractions of 1 on held-out classes, by exact search.
    human_mean and human_sd: of blind ratings 1 to 5, None without any; human_interval: None below FEWEST_RATINGS;
    index_recall: share of the exact nearest neighbours that the active index finds.
    """

    model: Model
    name: str
    color: int
    dataset: Dataset
    protocol_name: str
    seed: int | None
    headline: float
    figures: Sequence[Figure]
    recall_at: dict[int, float]
    human_mean: float | None
    human_sd: float | None
    ratings: int
    index_recall: float | None
    human_interval: Interval | None = None


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
    """The rows of a data set, the number of ballots on them and their statistics."""

    dataset: Dataset
    rows: Sequence[LeaderboardRow]
    ratings: int
    agreement: RankAgreement | PairAgreement | None
    people_agree: PeopleAgreement | None
    equivalent_losses: EquivalentLosses | None

    @property
    def equivalent_models(self) -> list[int]:
        """The keys of the models whose losses are one formula."""
        return [entry.model.pk for entry in self.equivalent_losses.models] if self.equivalent_losses else []


def leaderboard(user: Visitor) -> list[LeaderboardRow]:
    """Return a row for each measured model that this person may see: by data set, then the best headline first."""
    rating = F("rankings__blind_scores__score")
    models = (
        visible_models(user)
        .filter(Q(run__metrics__isnull=False) | Q(measured__isnull=False))
        .annotate(
            human_mean=Avg(rating),
            # Not StdDev, which fails on SQLite for a model without ratings.
            human_square=Avg(rating * rating),
            ratings=Count("rankings__blind_scores", distinct=True),
        )
    )
    recalls = dict(Index.objects.filter(active=True, dataset=F("model__dataset")).values_list("model", "recall"))
    rows = []
    for section in _by_dataset([_row(model, recalls.get(model.pk)) for model in models]):
        intervals = _statistics_of(section).intervals
        rows += [replace(row, human_interval=intervals.get(row.model.pk)) for row in section]
    return sorted(rows, key=lambda row: (row.dataset.name, -row.headline))


def columns() -> dict[str, Metric]:
    """Return the metrics that the leaderboard has, by name, in order."""
    return shown_at(Place.LEADERBOARD)


def charted() -> dict[str, str]:
    """Return the titles of the metrics that have a chart and an interval, by name: all but Recall@K of several K."""
    return {name: metric.title for name, metric in columns().items() if name != RECALL_AT_K}


def headline() -> str:
    """Return the title of the metric that models are ordered by and people's ratings are compared with."""
    return title_of(HEADLINE)


def _row(model: Model, index_recall: float | None) -> LeaderboardRow:
    metrics, run = model.metrics or {}, model.run
    mean: float | None = model.human_mean  # type: ignore[attr-defined]
    return LeaderboardRow(
        model=model,
        name=model.name,
        color=model.color,
        dataset=model.dataset,
        protocol_name=run.experiment.protocol["name"] if run else EXTERNAL,
        seed=run.seed if run else None,
        headline=metrics[HEADLINE],
        figures=columns_of(metrics, Place.LEADERBOARD),
        recall_at={int(k): value for k, value in metrics[RECALL_AT_K].items()},
        human_mean=mean,
        human_sd=None if mean is None else sqrt(max(0.0, model.human_square - mean**2)),  # type: ignore[attr-defined]
        ratings=model.ratings,  # type: ignore[attr-defined]
        index_recall=index_recall,
    )


def filtered(rows: Sequence[LeaderboardRow], dataset: str = "", protocol: str = "") -> list[LeaderboardRow]:
    """Return the rows of a data set, by its slug, and of a protocol, by its name; empty leaves none out.

    Raises:
        UnknownFilter: there is no such data set or protocol among the rows.
    """
    for name, value, values, what in (
        ("dataset", dataset, {row.dataset.slug for row in rows}, "data set"),
        ("protocol", protocol, {row.protocol_name for row in rows}, "protocol"),
    ):
        if value and value not in values:
            raise UnknownFilter(f"no {what} of the leaderboard is called “{value}”", field=name)
    return [row for row in rows if dataset in ("", row.dataset.slug) and protocol in ("", row.protocol_name)]


def sections(rows: Sequence[LeaderboardRow]) -> list[Section]:
    """Return the rows by data set, each with the statistics of its ratings and the losses that are one formula."""
    return [_section(part) for part in _by_dataset(rows)]


def sections_for(user: Visitor, dataset: str = "", protocol: str = "") -> list[Section]:
    """Return the leaderboard that this person may see, of these filters. Raises UnknownFilter."""
    return sections(filtered(leaderboard(user), dataset, protocol))


def _section(rows: Sequence[LeaderboardRow]) -> Section:
    statistics = _statistics_of(rows)
    agreement = statistics.agreement
    if isinstance(agreement, PairAgreement):
        names = {row.model.pk: row.name for row in rows}
        agreement = replace(agreement, better=names[int(agreement.better)])
    return Section(
        dataset=rows[0].dataset,
        rows=rows,
        ratings=ratings_total(rows),
        agreement=agreement,
        people_agree=statistics.people_agree,
        equivalent_losses=equivalent_losses([row.model for row in rows]),
    )


def ratings_total(rows: Sequence[LeaderboardRow]) -> int:
    """Return the number of ballots on the models of the rows."""
    models = [row.model for row in rows]
    return Ballot.objects.filter(scores__ranking__model__in=models).distinct().count()


def _by_dataset(rows: Sequence[LeaderboardRow]) -> list[list[LeaderboardRow]]:
    parts: dict[Dataset, list[LeaderboardRow]] = {}
    for row in rows:
        parts.setdefault(row.dataset, []).append(row)
    return list(parts.values())


def _statistics_of(rows: Sequence[LeaderboardRow]) -> Statistics:
    """Return the statistics of the ratings of these models, cached until a rating comes or goes.

    Ratings are never changed and their keys never used again, so their number and newest key tell two states apart.
    """
    measured = {row.model.pk: row.headline for row in sorted(rows, key=lambda row: row.model.pk)}
    state = BlindScore.objects.filter(ranking__model__in=list(measured)).aggregate(count=Count("pk"), newest=Max("pk"))
    statistics: Statistics = cache.get_or_set(  # type: ignore[assignment]  # what is set is what comes
        f"ratings-statistics:{hash(tuple(measured.items()))}:{state['count']}:{state['newest']}",
        lambda: _computed(_ratings_of(list(measured)), measured),
        KEEP_SECONDS,
    )
    return statistics


def _ratings_of(models: Sequence[int]) -> Ratings:
    """Return every rating of these models, a ballot a row and a model a column."""
    columns = {model: place for place, model in enumerate(models)}
    ballots: dict[object, int] = {}
    rows_of_searches: dict[object, int] = {}
    people, queries, cells = [], [], []
    fields = ("ballot", "ballot__who", "ballot__search", "ranking__model", "score")
    for ballot, who, search, model, rating in (
        BlindScore.objects.filter(ranking__model__in=models).order_by("pk").values_list(*fields)
    ):
        if ballot not in ballots:
            ballots[ballot] = len(ballots)
            people.append(who)
            queries.append(rows_of_searches.setdefault(search, len(rows_of_searches)))
        cells.append((ballots[ballot], columns[model], rating))
    table = np.full((len(ballots), len(models)), np.nan)
    for row, column, rating in cells:
        table[row, column] = rating
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
