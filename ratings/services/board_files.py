"""The leaderboard to keep: as a table, as JSON, and as a drawing."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any

from django.core.cache import cache

from accounts.roles import Visitor
from config.spreadsheets import csv_text
from ratings.services import leaderboard
from ratings.services.leaderboard import Row
from retrieval.registry.services.colors import HEX, HOLLOW, MARKS

CONTENT_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
}
"""What can be kept, by the end of its name."""

BEFORE = ("dataset", "model", "protocol", "seed")
AFTER = ("human_mean", "human_low", "human_high", "votes", "index_recall")
"""The columns of the table before and after the metrics."""

FLAT = ("recall_at_1", "map_at_r")
"""Metrics that a row of the JSON also has flat: those that it had before it had `metrics`."""

KEEP_SECONDS = 60

INK, PALE = "#17191b", "#d5d9dc"
ROW_INCHES, WIDTH_INCHES = 0.3, 11

_drawing = Lock()
"""matplotlib's settings are the process's; two drawings at once would restore each other's."""


def document_for(user: Visitor, dataset: str = "", protocol: str = "") -> dict[str, Any]:
    """Return the leaderboard that this person may see, of these filters. Raises UnknownFilter."""
    rows = leaderboard.filtered(leaderboard.leaderboard(user), dataset, protocol)
    return document_of(leaderboard.sections(rows))


def document_of(sections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the leaderboard as JSON holds it. Metrics are fractions of 1, human scores 1 to 5."""
    return {
        "datasets": [
            {
                "dataset": section["dataset"].slug,
                "name": section["dataset"].name,
                "votes": section["votes"],
                "agreement": section["agreement"],
                "people_agree": section["people_agree"],
                "rows": [_figures(row) for row in section["rows"]],
            }
            for section in sections
        ]
    }


def _figures(row: Row) -> dict[str, Any]:
    metrics = {
        figure.name: {"value": figure.value, "low": figure.low, "high": figure.high}
        for figure in row["figures"]
        if figure.name in leaderboard.charted()
    }
    return {
        "id": row["model"].pk,
        "dataset": row["dataset"].slug,
        "model": row["name"],
        "color": row["color"],
        "protocol": row["protocol_name"],
        "seed": row["seed"],
        "metrics": metrics,
        "recall_at": row["recall_at"],
        **_flat({name: metrics[name] for name in FLAT}),
        "human_mean": row["human_mean"],
        "human_low": row["human_interval"] and row["human_interval"][0],
        "human_high": row["human_interval"] and row["human_interval"][1],
        "votes": row["votes"],
        "index_recall": row["index_recall"],
    }


def _flat(metrics: Mapping[str, Mapping[str, float | None]]) -> dict[str, float | None]:
    """Return each metric and the ends of its interval under names of their own: map_at_r, map_at_r_low and so on."""
    return {
        name + end: value
        for name, metric in metrics.items()
        for end, value in zip(("", "_low", "_high"), metric.values(), strict=True)
    }


def board_file(document: Mapping[str, Any], suffix: str) -> bytes:
    """Return the document as one of CONTENT_TYPES; a drawing of the same document is kept for a minute."""
    text = json.dumps(document, indent=1)
    if suffix == "json":
        return text.encode()
    if suffix == "csv":
        rows = [row for section in document["datasets"] for row in section["rows"]]
        return _table(rows).encode()
    key = f"board:{suffix}:{hashlib.sha256(text.encode()).hexdigest()}"
    draw = partial(_drawn, document["datasets"], suffix)
    drawn: bytes = cache.get_or_set(key, draw, KEEP_SECONDS)  # type: ignore[assignment]  # what is set is what comes
    return drawn


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = [*BEFORE, *(name + end for name in leaderboard.charted() for end in ("", "_low", "_high")), *AFTER]
    flat = [{**row, **_flat(row["metrics"])} for row in rows]
    return csv_text(columns, [[row[column] for column in columns] for row in flat])


def _drawn(sections: Sequence[Mapping[str, Any]], suffix: str) -> bytes:
    """Draw the metrics and the human means of every data set beside each other, with their intervals."""
    import matplotlib
    from matplotlib.figure import Figure

    heights = [1 + len(section["rows"]) for section in sections] or [1]
    # parse_math: a model's name is no formula, whatever its dollars.
    settings: Any = {"svg.hashsalt": "kindred", "svg.fonttype": "none", "text.parse_math": False}
    with _drawing, matplotlib.rc_context(settings):
        metrics = leaderboard.charted()
        size = (WIDTH_INCHES / 3 * (len(metrics) + 1), 0.6 * len(heights) + ROW_INCHES * sum(heights))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(heights), len(metrics) + 1, squeeze=False, height_ratios=heights)
        for section, line in zip(sections, panels, strict=False):
            _panels(line, section, metrics)
        stream = io.BytesIO()
        metadata = {"Date": None, "Creator": None} if suffix == "svg" else {}
        figure.savefig(stream, format=suffix, dpi=144, facecolor="white", metadata=metadata)
    return stream.getvalue()


def _panels(line: Sequence[Any], section: Mapping[str, Any], metrics: Mapping[str, str]) -> None:
    """Draw a data set: a panel for each metric, by its title, and one for what people say."""
    *measured, people = line
    rows = section["rows"]
    for axes, (name, title) in zip(measured, metrics.items(), strict=True):
        title = title if axes is not measured[0] else f"{section['name']}: {title}"
        _panel(axes, rows, [tuple(row["metrics"][name].values()) for row in rows], 100, title)
        axes.set_xlim(left=0)
    rated = [(row["human_mean"], row["human_low"], row["human_high"]) for row in rows]
    _panel(people, rows, rated, 1, "People, 1 to 5")
    people.set_xlim(0.9, 5.1)
    measured[0].set_yticks(range(len(rows)), [row["model"] for row in rows])


def _panel(
    axes: Any, rows: Sequence[Row], figures: Sequence[tuple[float | None, ...]], scale: float, title: str
) -> None:
    """Draw one figure (value, low, high) of every row, the first above: a mark, and a line over its interval."""
    for place, (row, (value, low, high)) in enumerate(zip(rows, figures, strict=True)):
        color = HEX[row["color"]]
        if low is not None and high is not None:
            axes.plot([scale * low, scale * high], [place, place], color=color, linewidth=1.5)
        if value is not None:
            inside = "white" if row["color"] in HOLLOW else color
            axes.plot([scale * value], [place], MARKS[row["color"]], color=color, markerfacecolor=inside, markersize=6)
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.tick_params(labelsize=9, length=0, colors=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
