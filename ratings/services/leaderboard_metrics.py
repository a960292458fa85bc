"""Which metric predicts people best, of a table: metrics of the shown results and of the models, from the database."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from mlcore.errors import CheckpointError
from mlcore.evaluation.evaluate import PER_QUERY, StoredScores, read_per_query
from mlcore.evaluation.metric_table import figures_of, metric_of
from ratings.services.leaderboard_people import Evidence, cached, evidence_of
from ratings.services.leaderboard_rows import LeaderboardRow, SeedRow
from ratings.services.metric_agreement import MetricAgreement, Predictor, metric_agreement
from ratings.services.rating_statistics import Bools, Floats, Ints
from ratings.services.shown_metrics import SHOWN_METRICS
from retrieval.models import Dataset, Model, Ranking, Search


def metric_agreement_of(rows: Sequence[LeaderboardRow]) -> MetricAgreement:
    """Return how well each metric predicts the ratings of these models, cached until a rating comes or goes.

    Every model is its own column here, whatever its row: two seeds have results of their own. Classes are those of
    today.
    """
    seeds = [one for row in rows for one in row.seeds]
    models = {one.model.pk: one.model for one in seeds}
    figures = {one.model.pk: _figures(one) for one in seeds}
    known = tuple(sorted((pk, *sorted(of_model.items())) for pk, of_model in figures.items()))
    return cached(
        "metrics", figures, (rows[0].dataset.revision, known), lambda: _computed(rows[0].dataset, models, figures)
    )


def _figures(one: SeedRow) -> dict[str, float]:
    metrics = one.model.metrics
    return {} if metrics is None else {name: float(value) for name, value in figures_of(metrics).items()}


def _computed(
    dataset: Dataset, seeds: Mapping[int, Model], figures: Mapping[int, Mapping[str, float]]
) -> MetricAgreement:
    models = sorted(seeds)
    evidence = evidence_of(models, {pk: pk for pk in models})
    if not len(evidence.ballots):
        return MetricAgreement()
    relevance, relevant = _relevance(dataset, evidence)
    measured = _of_measured(models, figures, _own_values(seeds, evidence), evidence.rankings.shape)
    findable = relevant[np.arange(len(relevant)), evidence.rankings.argmax(axis=1)] > 0
    predictors = _of_queries(relevance, relevant, evidence.rankings) | measured
    return metric_agreement(evidence.ratings, predictors, findable)


def _relevance(dataset: Dataset, evidence: Evidence) -> tuple[dict[int, list[bool]], Ints]:
    """Return of each ranking which results are of its query's class, and how many such pictures it could find [B, M].

    A result that was deleted since is of no class; a query without a class has nothing to find.
    """
    labels = dict(dataset.images.values_list("pk", "label"))
    gallery = dict(dataset.images.answering().values_list("pk", "label"))
    sizes = Counter(gallery.values())
    shown = Ranking.objects.filter(search__in=set(evidence.searches)).values_list(
        "pk", "search__query_image", "image_ids"
    )
    hits: dict[int, list[bool]] = {}
    to_find: dict[int, int] = {0: 0}
    for pk, query, images in shown:
        label = labels.get(query)
        hits[pk] = [label is not None and labels.get(image) == label for image in images]
        to_find[pk] = 0 if label is None else sizes[label] - (query in gallery)
    relevant = np.array([[to_find.get(pk, 0) for pk in line] for line in evidence.rankings], dtype=np.int64)
    return hits, relevant


def _of_queries(hits: Mapping[int, Sequence[bool]], relevant: Ints, rankings: Ints) -> dict[str, Predictor]:
    """Return the metrics of the shown results. rankings [B, M]: keys, 0 where a model is not shown."""
    places = np.argwhere((rankings > 0) & (relevant > 0))
    lists = [hits.get(int(rankings[row, column]), []) for row, column in places]
    depth = max(map(len, lists), default=0)
    found: Bools = np.array([[*one, *[False] * (depth - len(one))] for one in lists], dtype=bool).reshape(-1, depth)
    predictors = {}
    for name, metric in SHOWN_METRICS.items():
        values: Floats = np.full(rankings.shape, np.nan)
        if depth:
            values[tuple(places.T)] = metric.score(found, relevant[tuple(places.T)])
        predictors[name] = Predictor(metric.title.format(depth=depth), metric.meaning, True, values)
    return predictors


def _own_values(seeds: Mapping[int, Model], evidence: Evidence) -> dict[str, Floats]:
    """Return what each model earned for the query of each ballot when it was measured, by metric [B, M].

    NaN where a model has no such value: the query was not measured, or the file is missing or damaged. Models are in
    the order of their keys.
    """
    image_of = dict(Search.objects.filter(pk__in=set(evidence.searches)).values_list("pk", "query_image"))
    images = [image_of.get(search) for search in evidence.searches]
    values: dict[str, Floats] = {}
    for column, pk in enumerate(sorted(seeds)):
        stored = _stored(seeds[pk])
        rows = {} if stored is None else {int(image): row for row, image in enumerate(stored.ids)}
        known = [(ballot, rows[image]) for ballot, image in enumerate(images) if image in rows]
        if stored is None or not known:
            continue
        ballots, places = np.array(known).T
        for name, scores in stored.columns.items():
            values.setdefault(name, np.full(evidence.rankings.shape, np.nan))[ballots, column] = scores[places]
    return values


def _stored(model: Model) -> StoredScores | None:
    try:
        return read_per_query(model.folder_with(PER_QUERY))
    except CheckpointError:
        return None


def _of_measured(
    models: Sequence[int],
    figures: Mapping[int, Mapping[str, float]],
    own: Mapping[str, Floats],
    shape: tuple[int, ...],
) -> dict[str, Predictor]:
    """Return the measured metrics as predictors; those that no model has are left out.

    A metric is that of the ballot's query if every model that has it stores what queries earned, and was measured on
    one of these. Columns without a value of their own are left out then. Else it is the mean of each model: one row
    never compares a query with a mean.
    """
    predictors = {}
    for name in {name: None for pk in models for name in figures[pk]}:
        means = np.array([figures[pk].get(name, np.nan) for pk in models])
        values = own.get(name, np.full(shape, np.nan))
        known: Ints = (~np.isnan(values)).sum(axis=0)
        of_query = bool((known[~np.isnan(means)] > 0).all())
        metric = metric_of(name)
        shown: Floats = values if of_query else np.broadcast_to(means, shape).astype(np.float64)
        predictors[name] = Predictor(metric.title, metric.meaning, of_query, shown)
    return predictors
