"""Metrics and diagnostics of a model for its page and the API: classes, mistakes, hubs, training curves."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from mlcore.evaluation.diagnostics import DETAILS, read_details
from mlcore.evaluation.metric_table import (
    DIAGNOSTICS,
    HEADLINE,
    METRICS,
    Figure,
    Place,
    Scale,
    columns_of,
    figures_of,
    shown_at,
    title_of,
    value_text,
)
from retrieval.datasets.services.classes import names_by_label
from retrieval.models import Image, Model, Run

CURVES = {
    "loss": "Training loss",
    "network_gradient_norm": "Gradient norm of the network",
    "proxy_gradient_norm": "Gradient norm of the proxies",
    "positive_cosine": "Similarity within classes",
    "negative_cosine": "Similarity between classes",
}


class MetricInfo(TypedDict):
    """A metric of the table as clients read it. shown: names of the places."""

    name: str
    title: str
    meaning: str
    scale: Scale
    headline: bool
    shown: list[str]


class MetricRow(TypedDict):
    """A metric's value with its 95 % interval, as fractions of 1; low and high are None without an interval."""

    name: str
    value: float
    low: float | None
    high: float | None


class Reading(TypedDict):
    """A number of the diagnostics as text, with its title and meaning."""

    title: str
    meaning: str
    text: str


class Neighbour(TypedDict):
    """A result of a query; similarity: the cosine, -1 to 1."""

    id: int
    label: int
    similarity: float


class QueryNote(TypedDict):
    """One of the worst queries with its nearest pictures."""

    id: int
    label: int
    average_precision: float
    results: list[Neighbour]


class ClassNote(TypedDict):
    """A class with its mean metrics."""

    label: int
    queries: int
    recall_at_1: float
    map_at_r: float


class Hub(TypedDict):
    """A picture, and how many queries have it among their nearest."""

    id: int
    label: int
    found: int


class NearDuplicate(TypedDict):
    """A held-out picture and its near-duplicate in training."""

    measured: int
    trained: int
    correlation: float


class Details(TypedDict):
    """The diagnostics that a model's folder stores."""

    class_names: dict[str, str]
    paths: dict[str, str]
    classes: list[ClassNote]
    worst_queries: list[QueryNote]
    hubs: list[Hub]
    near_duplicates: NotRequired[list[NearDuplicate]]
    neighbours: int
    warnings: NotRequired[list[str]]


class Mistakes(TypedDict):
    """Diagnostics for a page: each row has pictures (`image`) and names beside the keys."""

    classes: list[Mapping[str, object]]
    worst_queries: list[Mapping[str, object]]
    hubs: list[Mapping[str, object]]
    near_duplicates: list[Mapping[str, object]]


class EpochWarning(TypedDict):
    """A warning of a training."""

    epoch: int
    text: str


class Training(TypedDict):
    """Curves of a training, each a title and a value per epoch, and its warnings."""

    curves: list[tuple[str, list[float]]]
    warnings: list[EpochWarning]


def metric_table() -> list[MetricInfo]:
    """Return the metrics that are shown somewhere, for clients."""
    return [
        {
            "name": name,
            "title": metric.title,
            "meaning": metric.meaning,
            "scale": metric.scale,
            "headline": name == HEADLINE,
            "shown": [place.value for place in Place if place in metric.shown],
        }
        for name, metric in METRICS.items()
        if metric.shown
    ]


def run_titles() -> list[str]:
    """Return the titles of `run_figures`."""
    return [metric.title for metric in shown_at(Place.LEADERBOARD).values()]


def run_figures(metrics: Mapping[str, Any] | None) -> list[Figure]:
    """Return the metrics of a run as a table of runs shows them: those of the leaderboard."""
    return columns_of(metrics, Place.LEADERBOARD)


def summary_figures(metrics: Mapping[str, Any] | None) -> list[Figure]:
    """Return the few metrics of a run or model that fit into a line."""
    return columns_of(metrics, Place.SUMMARY)


def metric_rows(metrics: Mapping[str, Any]) -> list[MetricRow]:
    """Return every metric with its 95 % interval."""
    intervals = metrics.get("intervals", {})
    rows: list[MetricRow] = []
    for name, value in figures_of(metrics).items():
        low, high = intervals.get(name, (None, None))
        rows.append({"name": title_of(name), "value": value, "low": low, "high": high})
    return rows


def details_of(model: Model) -> Details | None:
    """Return the stored diagnostics: classes, worst queries, hubs; None for a model of an older version."""
    details: Any = read_details(model.folder_with(DETAILS))
    stored: Details | None = details
    return stored


def shape_of(metrics: Mapping[str, Any]) -> list[Reading]:
    """Return the diagnostics' numbers with title and meaning; empty for a model of an older version."""
    numbers = metrics.get("diagnostics", {})
    return [
        {"title": metric.title, "meaning": metric.meaning, "text": value_text(numbers[name], metric.scale)}
        for name, metric in DIAGNOSTICS.items()
        if name in numbers
    ]


def shown_details(model: Model, details: Details) -> Details:
    """Return the diagnostics without pictures that were deleted or hidden since."""
    shown = _pictures(model, details).keys()
    left = details.copy()
    left["worst_queries"] = [
        {**query, "results": [result for result in query["results"] if result["id"] in shown]}
        for query in details["worst_queries"]
        if query["id"] in shown
    ]
    left["hubs"] = [hub for hub in details["hubs"] if hub["id"] in shown]
    if "near_duplicates" in details:
        pairs = details["near_duplicates"]
        left["near_duplicates"] = [pair for pair in pairs if {pair["measured"], pair["trained"]} <= shown]
    return left


def mistakes_of(model: Model, details: Details) -> Mistakes:
    """Return the diagnostics with pictures and names; pictures deleted or hidden since are left out."""
    pictures, names = _pictures(model, details), names_by_label(model.dataset)
    return {
        "classes": [{**entry, "name": names[entry["label"]]} for entry in details["classes"]],
        "worst_queries": [
            {**query, "image": pictures[query["id"]], "results": _results(query, pictures)}
            for query in details["worst_queries"]
            if query["id"] in pictures
        ],
        "hubs": [{**hub, "image": pictures[hub["id"]]} for hub in details["hubs"] if hub["id"] in pictures],
        "near_duplicates": [
            {**pair, "measured": pictures[pair["measured"]], "trained": pictures[pair["trained"]]}
            for pair in details.get("near_duplicates", ())
            if {pair["measured"], pair["trained"]} <= pictures.keys()
        ],
    }


def _pictures(model: Model, details: Details) -> dict[int, Image]:
    queries = details["worst_queries"]
    wanted = {query["id"] for query in queries} | {hub["id"] for hub in details["hubs"]}
    wanted |= {result["id"] for query in queries for result in query["results"]}
    for pair in details.get("near_duplicates", ()):
        wanted |= {pair["measured"], pair["trained"]}
    return Image.objects.filter(dataset=model.dataset_id, hidden=False).named().in_bulk(list(wanted))


def _results(query: QueryNote, pictures: Mapping[int, Image]) -> list[Mapping[str, object]]:
    return [
        {**result, "image": pictures[result["id"]], "is_right": result["label"] == query["label"]}
        for result in query["results"]
        if result["id"] in pictures
    ]


def training_of(run: Run) -> Training:
    """Return the curves and warnings of a run's training."""
    events = run.history
    curves = [(title, values) for name, title in CURVES.items() if (values := _numbers(events, name))]
    warnings: list[EpochWarning] = [
        {"epoch": event["epoch"], "text": text} for event in events for text in event.get("warnings", ())
    ]
    return {"curves": curves, "warnings": warnings}


def _numbers(events: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [event[name] for event in events if event.get(name) is not None]
