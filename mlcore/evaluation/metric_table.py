"""The table of metrics: what each is called, what it means, where it is shown, and how a ranking is scored by it.

Reports, the leaderboard, the API, pages and command lines read their lists of metrics here, so a metric needs its
function and its row in this file and nothing else. Knows no torch: forms, checks and pages read it freely.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mlcore.evaluation.ranking import Floats, Ints

Scale = Literal["share", "number", "count"]


class Place(StrEnum):
    """Where figures are listed.

    REPORT: every table of all figures: reports, a model's page, runs side by side, what a re-run compares.
    LEADERBOARD: its table, charts, files and API; an experiment's list of runs.
    SUMMARY: one line a run or model: pages and command lines that have no room for more.
    TESTS: the paired tests between two losses or runs.
    """

    REPORT = "report"
    LEADERBOARD = "leaderboard"
    SUMMARY = "summary"
    TESTS = "tests"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A row of the table.

    scale: how a value is written: a share (of 1) in percent, a number or a count.
    score: how rankings are scored, from 0 to 1; None where it is measured otherwise. It maps relevance [B, depth],
    whether the result at each rank is of the query's class, and relevant [B], how many such pictures (R) the gallery
    has, to what each query earns [B]. Depth is at least the largest R.
    """

    title: str
    meaning: str
    scale: Scale = "share"
    shown: frozenset[Place] = frozenset({Place.REPORT})
    score: Callable[[NDArray[np.bool_], Ints], Floats] | None = None


@dataclass(frozen=True)
class Figure:
    """A metric's value in stored metrics and its 95 % interval: None where it was not measured. k: of Recall@K."""

    name: str
    title: str
    value: float | None
    low: float | None
    high: float | None
    k: int | None = None


def precision_at_1(relevance: NDArray[np.bool_], relevant: Ints) -> Floats:
    """Return 1 of each query whose nearest result is of its class, else 0: [B]."""
    return relevance[:, 0].astype(np.float64)


def r_precision(relevance: NDArray[np.bool_], relevant: Ints) -> Floats:
    """Return the share of the first R results that are of the query's class, [B].

    Source: Musgrave et al., "A Metric Learning Reality Check", ECCV 2020.
    """
    shares: Floats = _among_first_r(relevance, relevant).sum(axis=1) / relevant
    return shares


def average_precision_at_r(relevance: NDArray[np.bool_], relevant: Ints) -> Floats:
    """Return the precision at each of the first R ranks that is a hit, added up and divided by R, [B].

    Source: Musgrave et al., "A Metric Learning Reality Check", ECCV 2020.
    """
    hits = _among_first_r(relevance, relevant)
    precision_at_rank = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    averages: Floats = (precision_at_rank * hits).sum(axis=1) / relevant
    return averages


def _among_first_r(relevance: NDArray[np.bool_], relevant: Ints) -> NDArray[np.bool_]:
    return relevance & (np.arange(1, relevance.shape[1] + 1) <= relevant[:, None])


HEADLINE: Final = "map_at_r"
"""The metric that rows are ordered by, losses are tuned by and epochs are chosen by."""

RECALL_AT_K = "recall_at"
"""The row of Recall@K for any K; its figures are recall_at_2, recall_at_4 and so on."""

METRICS: dict[str, Metric] = {
    "recall_at_1": Metric(
        title="Recall@1",
        meaning="Share of queries whose nearest result is of their class.",
        shown=frozenset(Place),
    ),
    RECALL_AT_K: Metric(
        title="Recall@K",
        meaning="Share of queries with a result of their class among the first K.",
        shown=frozenset({Place.REPORT, Place.LEADERBOARD}),
    ),
    "precision_at_1": Metric(
        title="Precision@1",
        meaning="Share of queries whose nearest result is of their class; equal to Recall@1.",
        shown=frozenset(),
        score=precision_at_1,
    ),
    "r_precision": Metric(
        title="R-Precision",
        meaning="Share of the first R results that are of the query's class, which has R pictures.",
        score=r_precision,
    ),
    HEADLINE: Metric(
        title="MAP@R",
        meaning="Mean average precision over the first R results, where the query's class has R pictures. It separates "
        "models that are equal by Recall@1.",
        shown=frozenset(Place),
        score=average_precision_at_r,
    ),
}
"""Metrics of rankings of the held-out pictures, means over queries, in the order of every table."""

DIAGNOSTICS: dict[str, Metric] = {
    "nmi": Metric(
        title="NMI",
        meaning="Normalised mutual information of the classes and as many k-means clusters (one start). Many classes "
        "raise it.",
    ),
    "ami": Metric(title="AMI", meaning="NMI adjusted for chance: 0 for random clusters."),
    "density": Metric(
        title="Density",
        meaning="Mean distance within classes divided by the mean distance between class centres. Lower is tighter; "
        "very tight embeddings transfer badly to new classes (Roth et al., ICML 2020).",
        scale="number",
    ),
    "spectral_decay": Metric(
        title="Spectral decay ρ",
        meaning="Divergence of the singular values from equal ones, in nats. 0: all directions are used equally. High: "
        "few are used (Roth et al., ICML 2020).",
        scale="number",
    ),
    "alignment": Metric(
        title="Alignment",
        meaning="Mean squared distance of two pictures of one class, 0 to 4. Lower is better (Wang & Isola, "
        "ICML 2020).",
        scale="number",
    ),
    "uniformity": Metric(
        title="Uniformity",
        meaning="Log of the mean Gaussian potential of all pairs; 0 if all embeddings are equal. "
        "Lower is more evenly spread (Wang & Isola, ICML 2020).",
        scale="number",
    ),
    "hubness": Metric(
        title="Hubness",
        meaning="Skewness of how often a picture is among the ten nearest of others. Near 0: no hubs. Above 1: some "
        "pictures are near very many others (Radovanović et al., JMLR 2010).",
        scale="number",
    ),
    "never_found": Metric(
        title="Never found", meaning="Share of pictures that are among the ten nearest of no other picture."
    ),
    "worst_class_recall_at_1": Metric(title="Worst class, Recall@1", meaning="Lowest Recall@1 of a class."),
    "classes_below_half": Metric(title="Classes below half", meaning="Share of classes whose Recall@1 is under 50 %."),
    "near_duplicates": Metric(
        title="Near-duplicates",
        meaning="Held-out pictures that are also in training, but for size, compression or brightness. "
        "Each makes the metrics look better; it should be 0.",
        scale="count",
    ),
    "network_gradient_norm": Metric(
        title="Network's gradient",
        meaning="Euclidean norm of the gradient of all trained layers of the network, mean of the last epoch.",
        scale="number",
    ),
    "proxy_gradient_norm": Metric(
        title="Proxies' gradient",
        meaning="Euclidean norm of the gradient of the loss's proxies, mean of the last epoch. Near 0: raise their "
        "learning rate.",
        scale="number",
    ),
}
"""Diagnostics: each is one number of all embeddings, or of a training."""


def shown_at(place: Place) -> dict[str, Metric]:
    """Return the rows that are shown at a place, in order."""
    return {name: metric for name, metric in METRICS.items() if place in metric.shown}


def paired_test_metrics() -> list[str]:
    """Return the names of the metrics that paired tests are made of, the headline first."""
    return sorted(shown_at(Place.TESTS), key=lambda name: name != HEADLINE)


def metric_of(figure: str) -> Metric:
    """Return the row of a figure, with the K of Recall@K in its title: Recall@4 for recall_at_4."""
    name, _, k = figure.rpartition("_")
    if figure not in METRICS and name == RECALL_AT_K:
        return replace(METRICS[RECALL_AT_K], title=f"Recall@{k}")
    return METRICS[figure]


def title_of(figure: str) -> str:
    """Return what a figure is called: MAP@R for map_at_r."""
    return metric_of(figure).title


def figures_of(metrics: Mapping[str, Any], place: Place = Place.REPORT) -> dict[str, float]:
    """Return the figures of stored metrics that are shown at a place, named as their intervals are.

    A metric that is younger than the stored ones is left out.
    """
    recalls = {f"{RECALL_AT_K}_{k}": metrics[RECALL_AT_K][k] for k in sorted(metrics[RECALL_AT_K], key=int)}
    values = recalls | {name: metrics[name] for name in METRICS if name in metrics and name != RECALL_AT_K}
    return {name: value for name, value in values.items() if place in metric_of(name).shown}


def columns_of(metrics: Mapping[str, Any] | None, place: Place) -> list[Figure]:
    """Return a figure for each row that is shown at a place, of Recall@K the one with the largest K.

    metrics: as they are stored, None of what is not measured yet.
    """
    if metrics is None:
        return [Figure(name, metric.title, None, None, None) for name, metric in shown_at(place).items()]
    intervals, deepest = metrics.get("intervals", {}), max(map(int, metrics[RECALL_AT_K]))
    figures, found = figures_of(metrics, place), []
    for name, metric in shown_at(place).items():
        k = deepest if name == RECALL_AT_K else None
        figure = name if k is None else f"{name}_{k}"
        low, high = intervals.get(figure, (None, None))
        found.append(Figure(name, metric.title, figures.get(figure), low, high, k))
    return found


def value_text(value: float | None, scale: Scale) -> str:
    """Return a value as reports and pages write it: a share in percent with one digit; a dash for None."""
    if value is None:
        return "–"
    return f"{100 * value:.1f}" if scale == "share" else f"{value:.0f}" if scale == "count" else f"{value:.3f}"
