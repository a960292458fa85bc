"""Metrics of runs, models and reports as cells of a table, by the site's own list of metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

from kindred_client.cli.names import Thing
from kindred_client.cli.output import NOTHING, percent
from kindred_client.cli.session import Session


def summary_metrics(session: Session) -> list[Thing]:
    """Return the metrics that a short table has, in the site's order."""
    return [dict(metric) for metric in session.client.metrics.list() if "summary" in metric["shown"]]


def titles_of(metrics: Sequence[Thing]) -> list[str]:
    """Return the columns of `figures_of`."""
    return [metric["title"] for metric in metrics]


def figures_of(measured: Thing, metrics: Sequence[Thing]) -> dict[str, str]:
    """Return the metrics of a run or a model by title, in percent with the 95 % interval."""
    values = measured["metrics"] or {}
    intervals = values.get("intervals") or {}
    return {
        metric["title"]: percent(_value(values, metric["name"])) + _between(intervals.get(metric["name"]))
        for metric in metrics
    }


def _value(values: Mapping[str, Any], name: str) -> float | None:
    """Return a metric's value: recall_at_1 stands as "1" under recall_at."""
    group, _, k = name.rpartition("_")
    by_k = values.get(group)
    found: float | None = by_k.get(k) if isinstance(by_k, Mapping) else values.get(name)
    return found


def _between(interval: Any) -> str:
    return f" [{percent(interval[0])}, {percent(interval[1])}]" if interval else ""


def report_columns(metrics: Sequence[Thing]) -> list[str]:
    """Return the columns of `report_row`; beside the metrics the interval of the one that rows are ordered by."""
    intervals = [_interval_title(metric) for metric in metrics if metric["headline"]]
    return ["loss", *titles_of(metrics), *intervals, "seeds", "best"]


def report_row(row: Mapping[str, Any], metrics: Sequence[Thing]) -> dict[str, Any]:
    """Return a row of a report as cells; ● marks the best and all without a significant difference to it."""
    figures = {metric["title"]: row["metrics"].get(metric["name"]) for metric in metrics}
    headlines = {_interval_title(metric): figures[metric["title"]] for metric in metrics if metric["headline"]}
    return {
        "loss": row["title"],
        **{title: _spread(figure) for title, figure in figures.items()},
        **{title: _interval(figure) for title, figure in headlines.items()},
        "seeds": len(row["seeds"]),
        "best": "●" if row["best"] or row["level_with_best"] else "",
    }


def _interval_title(metric: Thing) -> str:
    return f"95 % of {metric['title']}"


def _interval(figure: Mapping[str, Any] | None) -> str:
    if not figure or figure.get("low") is None:
        return NOTHING
    return f"{percent(figure['low'])}–{percent(figure['high'])}"


def _spread(figure: Mapping[str, Any] | None) -> str:
    if not figure:
        return NOTHING
    spread = "" if figure.get("sd") is None else f" ± {percent(figure['sd'])}"
    return percent(figure["mean"]) + spread
