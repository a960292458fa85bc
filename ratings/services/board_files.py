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

CONTENT_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
}
"""What can be kept, by the end of its name."""

COLUMNS = (
    "dataset", "model", "protocol", "seed", "recall_at_1", "recall_at_1_low", "recall_at_1_high", "map_at_r",
    "map_at_r_low", "map_at_r_high", "human_mean", "human_low", "human_high", "votes", "index_recall",
)  # fmt: skip
KEEP_SECONDS = 60

# The site's colours by day, and marks that matplotlib has for the site's eight.
COLORS = ("#0067a8", "#b04a00", "#00785a", "#a8437f", "#8a6100", "#1b7fb5", "#5f6a00", "#3d4348")
MARKS = ("o", "s", "^", "D", "P", "o", "v", "s")
HOLLOW = frozenset({5, 7})
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
    return {
        "id": row["model"].pk,
        "dataset": row["dataset"].slug,
        "model": row["name"],
        "color": row["color"],
        "protocol": row["protocol_name"],
        "seed": row["seed"],
        "recall_at_1": row["recall_at_1"],
        "recall_at_1_low": row["interval_1"][0],
        "recall_at_1_high": row["interval_1"][1],
        "recall_at": row["recall_at"],
        "map_at_r": row["map_at_r"],
        "map_at_r_low": row["interval_map"][0],
        "map_at_r_high": row["interval_map"][1],
        "human_mean": row["human_mean"],
        "human_low": row["human_interval"] and row["human_interval"][0],
        "human_high": row["human_interval"] and row["human_interval"][1],
        "votes": row["votes"],
        "index_recall": row["index_recall"],
    }


def board_file(document: Mapping[str, Any], suffix: str) -> bytes:
    """Return the document as one of CONTENT_TYPES; a drawing of the same document is kept for a minute."""
    text = json.dumps(document, indent=1)
    if suffix == "json":
        return text.encode()
    if suffix == "csv":
        rows = [row for section in document["datasets"] for row in section["rows"]]
        return csv_text(COLUMNS, [[row[column] for column in COLUMNS] for row in rows]).encode()
    key = f"board:{suffix}:{hashlib.sha256(text.encode()).hexdigest()}"
    draw = partial(_drawn, document["datasets"], suffix)
    drawn: bytes = cache.get_or_set(key, draw, KEEP_SECONDS)  # type: ignore[assignment]  # what is set is what comes
    return drawn


def _drawn(sections: Sequence[Mapping[str, Any]], suffix: str) -> bytes:
    """Draw Recall@1, MAP@R and the human means of every data set beside each other, with their intervals."""
    import matplotlib
    from matplotlib.figure import Figure

    heights = [1 + len(section["rows"]) for section in sections] or [1]
    # parse_math: a model's name is no formula, whatever its dollars.
    settings: Any = {"svg.hashsalt": "kindred", "svg.fonttype": "none", "text.parse_math": False}
    with _drawing, matplotlib.rc_context(settings):
        figure = Figure(figsize=(WIDTH_INCHES, 0.6 * len(heights) + ROW_INCHES * sum(heights)), layout="constrained")
        panels = figure.subplots(len(heights), 3, squeeze=False, height_ratios=heights)
        for section, (recall, precision, people) in zip(sections, panels, strict=False):
            _panel(recall, section["rows"], "recall_at_1", 100, f"{section['name']}: Recall@1")
            _panel(precision, section["rows"], "map_at_r", 100, "MAP@R")
            _panel(people, section["rows"], "human", 1, "People, 1 to 5")
            recall.set_yticks(range(len(section["rows"])), [row["model"] for row in section["rows"]])
            people.set_xlim(0.9, 5.1)
            for measured in (recall, precision):
                measured.set_xlim(left=0)
        stream = io.BytesIO()
        metadata = {"Date": None, "Creator": None} if suffix == "svg" else {}
        figure.savefig(stream, format=suffix, dpi=144, facecolor="white", metadata=metadata)
    return stream.getvalue()


def _panel(axes: Any, rows: Sequence[Row], figure: str, scale: float, title: str) -> None:
    """Draw one figure of every row, the first above: a mark, and a line over its interval."""
    for place, row in enumerate(rows):
        color, low, high = COLORS[row["color"]], row[f"{figure}_low"], row[f"{figure}_high"]
        value = row["human_mean"] if figure == "human" else row[figure]
        if low is not None:
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
