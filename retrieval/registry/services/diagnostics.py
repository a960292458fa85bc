"""Why a model earns what it earns, as its page shows it: figures, classes, mistakes, hubs, its training."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlcore.evaluation.diagnostics import read_details
from mlcore.evaluation.metric_table import (
    DIAGNOSTICS,
    HEADLINE,
    METRICS,
    Figure,
    Place,
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
    "positive_cosine": "Cosine within classes",
    "negative_cosine": "Cosine between classes",
}


def metric_table() -> list[dict[str, Any]]:
    """Return what a client needs to know of each metric that is shown somewhere."""
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
    """Return what a table of runs shows of one: what the leaderboard shows of its model."""
    return columns_of(metrics, Place.LEADERBOARD)


def summary_figures(metrics: Mapping[str, Any] | None) -> list[Figure]:
    """Return what is shown of a run or model where there is little room."""
    return columns_of(metrics, Place.SUMMARY)


def metric_rows(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each figure with its 95 % interval, as fractions of 1; low and high are None without one."""
    intervals, rows = metrics.get("intervals", {}), []
    for name, value in figures_of(metrics).items():
        low, high = intervals.get(name, (None, None))
        rows.append({"name": title_of(name), "value": value, "low": low, "high": high})
    return rows


def details_of(model: Model) -> dict[str, Any] | None:
    """Return what was noted of each class, of the worst queries and of hubs; None for a model made before that."""
    return read_details(model.folder)


def shape_of(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the diagnostics' numbers with their titles and how to read them; none of a model made before."""
    found = metrics.get("diagnostics", {})
    return [
        {"title": metric.title, "reading": metric.meaning, "text": value_text(found[name], metric.scale)}
        for name, metric in DIAGNOSTICS.items()
        if name in found
    ]


def shown_details(model: Model, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details without the pictures that were deleted or hidden since."""
    shown = _pictures(model, details).keys()
    queries = [
        {**query, "answers": [answer for answer in query["answers"] if answer["id"] in shown]}
        for query in details["worst_queries"]
        if query["id"] in shown
    ]
    hubs = [hub for hub in details["hubs"] if hub["id"] in shown]
    pairs = [pair for pair in details.get("near_duplicates", ()) if {pair["measured"], pair["trained"]} <= shown]
    kept = {"near_duplicates": pairs} if "near_duplicates" in details else {}
    return {**details, "worst_queries": queries, "hubs": hubs, **kept}


def mistakes_of(model: Model, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details with pictures and names in place of keys; pictures deleted or hidden since are left out.

    {"classes": worst first, "worst_queries": each with its answers, "hubs", "near_duplicates"}.
    """
    pictures, names = _pictures(model, details), names_by_label(model.dataset)
    return {
        "classes": [{**entry, "name": names[entry["label"]]} for entry in details["classes"]],
        "worst_queries": [
            {**query, "image": pictures[query["id"]], "answers": _answers(query, pictures)}
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


def _pictures(model: Model, details: Mapping[str, Any]) -> dict[int, Image]:
    queries = details["worst_queries"]
    wanted = {entry["id"] for entry in (*queries, *details["hubs"])}
    wanted |= {answer["id"] for query in queries for answer in query["answers"]}
    wanted |= {pair[which] for pair in details.get("near_duplicates", ()) for which in ("measured", "trained")}
    return Image.objects.filter(dataset=model.dataset_id, hidden=False).named().in_bulk(list(wanted))


def _answers(query: Mapping[str, Any], pictures: Mapping[int, Image]) -> list[dict[str, Any]]:
    return [
        {**answer, "image": pictures[answer["id"]], "is_right": answer["label"] == query["label"]}
        for answer in query["answers"]
        if answer["id"] in pictures
    ]


def training_of(run: Run) -> dict[str, Any]:
    """Return how a run's training went: what was noted of each epoch, by title, and its warnings."""
    events = run.history
    curves = [(title, values) for name, title in CURVES.items() if (values := _numbers(events, name))]
    warnings = [{"epoch": event["epoch"], "said": said} for event in events for said in event.get("warnings", ())]
    return {"curves": curves, "warnings": warnings}


def _numbers(events: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [event[name] for event in events if event.get(name) is not None]
