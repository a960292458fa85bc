"""Rows of the leaderboard: the models of one loss under one protocol, their seeds folded into one row."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from django.db.models import Avg, Count, F, Q

from accounts.roles import Visitor
from mlcore.comparison.report.formatting import parameters
from mlcore.evaluation.metric_table import HEADLINE, RECALL_AT_K, Place, columns_of
from mlcore.runs import BASELINES
from ratings.services.leaderboard_protocols import EXTERNAL, BoardProtocol, protocols_of
from ratings.services.people_figures import PeopleFigure, rank_range_text
from retrieval.models import Dataset, Index, Model
from retrieval.registry.services.legend import loss_titles
from retrieval.registry.services.visibility import visible_models


@dataclass(frozen=True)
class MeanFigure:
    """A metric of a row: mean over seeds, standard deviation between them (None of one seed), 95 % interval.

    k: of Recall@K.
    """

    name: str
    title: str
    value: float | None
    sd: float | None
    low: float | None
    high: float | None
    k: int | None = None

    @property
    def is_headline(self) -> bool:
        """Whether rows are ordered by it."""
        return self.name == HEADLINE


@dataclass(frozen=True)
class SeedRow:
    """One model of a row. Metrics are fractions of 1; raw_mean and raw_square: means of its blind
    ratings and of their squares, None without any.

    index_recall: share of the exact nearest neighbours that the active index finds.
    """

    model: Model
    seed: int | None
    fold: int | None
    figures: Mapping[str, float | None]
    recall_at: Mapping[int, float]
    raw_mean: float | None
    raw_square: float | None
    ratings: int
    index_recall: float | None

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def headline(self) -> float:
        value = self.figures[HEADLINE]
        return 0.0 if value is None else value


@dataclass(frozen=True)
class LeaderboardRow:
    """A loss (or an external model) under one protocol. Metrics are fractions of 1, by exact search.

    seeds: its models by seed and fold. rank: place by the headline, 1 is best. rank_low and rank_high: the ranks that
    the paired tests leave open; None where it was not tested, and `not_tested` says why. people: what people say of it.
    raw_mean and raw_sd: of its blind ratings as they are, whoever gave them, None without any.
    """

    name: str
    dataset: Dataset
    protocol: BoardProtocol
    seeds: tuple[SeedRow, ...]
    figures: Sequence[MeanFigure]
    recall_at: Mapping[int, float]
    raw_mean: float | None
    raw_sd: float | None
    ratings: int
    index_recall: float | None
    people: PeopleFigure = PeopleFigure()
    rank: int = 0
    rank_low: int | None = None
    rank_high: int | None = None
    level_with_best: bool | None = None
    not_tested: str = ""

    @property
    def model(self) -> Model:
        """The model of its first seed, whose key is the row's."""
        return self.seeds[0].model

    @property
    def color(self) -> int:
        return self.model.color

    @property
    def protocol_name(self) -> str:
        return self.protocol.name

    @property
    def seed(self) -> int | None:
        """The seed, where there is only one."""
        numbers = {one.seed for one in self.seeds}
        return next(iter(numbers)) if len(numbers) == 1 else None

    @property
    def seed_count(self) -> int:
        return len({one.seed for one in self.seeds})

    @property
    def headline(self) -> float:
        return headline_figure(self).value or 0.0

    @property
    def is_fixed(self) -> bool:
        """Whether another seed would give the same."""
        return is_fixed(self.model)

    @property
    def rank_text(self) -> str:
        """The ranks that the tests leave open, as 1–2; the place alone where it was not tested."""
        return rank_range_text(self.rank_low, self.rank_high) or str(self.rank)


def is_fixed(model: Model) -> bool:
    """Return whether another seed would give the same: a baseline without training, or a model from elsewhere."""
    return model.run_id is None or model.loss in BASELINES


def headline_figure(row: LeaderboardRow) -> MeanFigure:
    """Return the figure that rows are ordered by."""
    return next(figure for figure in row.figures if figure.is_headline)


def measured_rows(user: Visitor) -> list[LeaderboardRow]:
    """Return the rows of every measured model that this person may see, without ranks; best headline first."""
    rating = F("rankings__blind_scores__score")
    counted = Q(rankings__blind_scores__ballot__repeat_of=None)
    models = list(
        visible_models(user)
        .filter(Q(run__metrics__isnull=False) | Q(measured__isnull=False))
        .annotate(
            raw_mean=Avg(rating, filter=counted),
            # Not StdDev, which fails on SQLite for a model without ratings.
            raw_square=Avg(rating * rating, filter=counted),
            ratings=Count("rankings__blind_scores", filter=counted, distinct=True),
        )
    )
    recalls = dict(Index.objects.filter(active=True, dataset=F("model__dataset")).values_list("model", "recall"))
    protocols = protocols_of(models)
    groups: dict[tuple[object, ...], list[Model]] = {}
    for model in models:
        groups.setdefault(_identity(model, protocols[model.pk]), []).append(model)
    rows = [_row(members, protocols[members[0].pk], recalls) for members in groups.values()]
    return _told_apart(sorted(rows, key=lambda row: (row.dataset.name, -row.headline, row.name)))


def _identity(model: Model, protocol: BoardProtocol) -> tuple[object, ...]:
    """Return what the models of one row share: data set, protocol, loss, its parameters, and how they were found."""
    run = model.run
    if run is None:
        return (model.dataset_id, EXTERNAL, model.pk)
    chosen = json.dumps([run.params, run.changes], sort_keys=True)
    return (model.dataset_id, protocol.key, run.loss, run.tuned, chosen)


def _row(models: Sequence[Model], protocol: BoardProtocol, recalls: Mapping[int, float]) -> LeaderboardRow:
    ordered = sorted(models, key=lambda model: (_seed(model) or 0, _fold(model) or 0, model.pk))
    seeds = tuple(_seed_row(model, recalls.get(model.pk)) for model in ordered)
    first = ordered[0]
    ratings = sum(one.ratings for one in seeds)
    mean = _weighted((one.raw_mean, one.ratings) for one in seeds)
    square = _weighted((one.raw_square, one.ratings) for one in seeds)
    depths = set.intersection(*(set(one.recall_at) for one in seeds))
    found = [one.index_recall for one in seeds if one.index_recall is not None]
    return LeaderboardRow(
        name=first.name if len(seeds) == 1 else _loss_title(first),
        dataset=first.dataset,
        protocol=protocol,
        seeds=seeds,
        figures=_figures(seeds, first),
        recall_at={k: _mean_over_seeds(seeds, [one.recall_at[k] for one in seeds])[0] for k in sorted(depths)},
        raw_mean=mean,
        raw_sd=None if mean is None or square is None else sqrt(max(0.0, square - mean**2)),
        ratings=ratings,
        index_recall=statistics.fmean(found) if found else None,
    )


def _loss_title(model: Model) -> str:
    title = loss_titles().get(model.loss, model.loss)
    return f"{title} (tuned)" if model.run is not None and model.run.tuned else title


def _seed(model: Model) -> int | None:
    return model.run.seed if model.run else None


def _fold(model: Model) -> int | None:
    return model.run.fold if model.run else None


def _seed_row(model: Model, index_recall: float | None) -> SeedRow:
    metrics = model.metrics or {}
    return SeedRow(
        model=model,
        seed=_seed(model),
        fold=_fold(model),
        figures={figure.name: figure.value for figure in columns_of(metrics, Place.LEADERBOARD)},
        recall_at={int(k): value for k, value in metrics[RECALL_AT_K].items()},
        raw_mean=model.raw_mean,  # type: ignore[attr-defined]
        raw_square=model.raw_square,  # type: ignore[attr-defined]
        ratings=model.ratings,  # type: ignore[attr-defined]
        index_recall=index_recall,
    )


def _figures(seeds: Sequence[SeedRow], first: Model) -> list[MeanFigure]:
    """Return the metrics of a row; one model has the interval that it was measured with."""
    figures = []
    for figure in columns_of(first.metrics, Place.LEADERBOARD):
        if len(seeds) == 1:
            known = MeanFigure(figure.name, figure.title, figure.value, None, figure.low, figure.high, figure.k)
        else:
            value, sd = _mean_over_seeds(seeds, [one.figures[figure.name] for one in seeds])
            known = MeanFigure(figure.name, figure.title, value, sd, None, None, figure.k)
        figures.append(known)
    return figures


def _mean_over_seeds(seeds: Sequence[SeedRow], values: Sequence[float | None]) -> tuple[float, float | None]:
    """Return the mean over seeds of the means of each seed's models (its folds), and the spread between seeds."""
    by_seed: dict[int | None, list[float]] = {}
    for one, value in zip(seeds, values, strict=True):
        if value is not None:
            by_seed.setdefault(one.seed, []).append(value)
    means = [statistics.fmean(part) for part in by_seed.values()]
    if not means:
        return None, None  # type: ignore[return-value]  # nothing was measured
    return statistics.fmean(means), statistics.stdev(means) if len(means) > 1 else None


def _weighted(parts: Iterable[tuple[float | None, int]]) -> float | None:
    known = [(value, count) for value, count in parts if value is not None and count]
    total = sum(count for _, count in known)
    return sum(value * count for value, count in known) / total if total else None


def _told_apart(rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """Return the rows; those of one table and one loss say which parameters differ."""
    alike: dict[tuple[object, ...], list[LeaderboardRow]] = {}
    for row in rows:
        alike.setdefault(_of_one_loss(row), []).append(row)
    told = []
    for row in rows:
        own = _params(row)
        others = [_params(other) for other in alike[_of_one_loss(row)]]
        differing = {name: value for name, value in own.items() if any(other.get(name) != value for other in others)}
        told.append(replace(row, name=f"{row.name}: {parameters(differing)}") if differing else row)
    return told


def _of_one_loss(row: LeaderboardRow) -> tuple[object, ...]:
    run = row.model.run
    return row.dataset.pk, row.protocol.key, row.model.loss or row.name, run is not None and run.tuned


def _params(row: LeaderboardRow) -> dict[str, float]:
    run = row.model.run
    numbers = {**run.params, **run.changes} if run else {}
    return {name: value for name, value in numbers.items() if isinstance(value, int | float)}
