"""The leaderboard as files: table (CSV), JSON, charts (PNG, SVG)."""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any

from django.core.cache import cache

from config.spreadsheets import csv_text
from ratings.services import leaderboard
from ratings.services.leaderboard import Section
from ratings.services.leaderboard_rows import LeaderboardRow, MeanFigure, SeedRow
from ratings.services.people_figures import figure_document
from retrieval.registry.services.legend import HEX, HOLLOW, MARKS

CONTENT_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
}
"""The files, by the end of their name."""

TABLES, CHARTS = ("csv", "json"), ("png", "svg")

BEFORE = ("dataset", "model", "protocol", "seed")
AFTER = ("human_mean", "human_low", "human_high", "ratings", "index_recall")
RANKS = ("seeds", "rank", "rank_low", "rank_high", "level_with_best", "not_tested")
PEOPLE = (
    "human_raw_mean", "human_rank_low", "human_rank_high", "human_people", "human_queries", "human_no_interval",
    "human_no_interval_text", "human_win_rate", "human_win_low", "human_win_high",
)  # fmt: skip
"""The columns of the table before and after the metrics; after them the standard deviations, ranks, and people's."""

FLAT = ("recall_at_1", "map_at_r")
"""Metrics that a row of the JSON also has flat: those that it had before it had `metrics`."""

KEEP_SECONDS = 60

INK, PALE = "#17191b", "#d5d9dc"
ROW_INCHES, WIDTH_INCHES = 0.3, 11

Estimate = tuple[float | None, float | None, float | None]
"""A value and the ends of its interval."""

_drawing = Lock()
"""matplotlib's settings are the process's; two drawings at once would restore each other's."""


def document_of(sections: Sequence[Section]) -> dict[str, object]:
    """Return the leaderboard as JSON holds it. Metrics are fractions of 1, human means points of 1 to 5."""
    return {
        "datasets": [
            {
                "dataset": section.dataset.slug,
                "name": section.dataset.name,
                "protocol": section.protocol.value,
                "protocol_label": section.protocol.label,
                "is_default": section.is_default,
                "test": section.test.state,
                "ratings": section.ratings,
                "agreement": figure_document(section.agreement),
                "people_agree": figure_document(section.people_agree),
                "column_bias": figure_document(section.column_bias),
                "metric_agreement": figure_document(section.metric_agreement),
                "enough": figure_document(section.enough),
                "rows": [_document_row(row) for row in section.rows],
            }
            for section in sections
        ]
    }


def _document_row(row: LeaderboardRow) -> dict[str, object]:
    metrics = {figure.name: figure for figure in charted_figures(row)}
    return {
        "id": row.model.pk,
        **_described(row),
        "color": row.color,
        "metrics": {
            name: {"value": figure.value, "sd": figure.sd, "low": figure.low, "high": figure.high}
            for name, figure in metrics.items()
        },
        "recall_at": row.recall_at,
        **_flat(metrics[name] for name in FLAT),
        **_rated(row),
        **_ranked(row),
        "seeds": [_document_seed(one) for one in row.seeds],
    }


def _document_seed(one: SeedRow) -> dict[str, object]:
    return {
        "id": one.model.pk,
        "model": one.name,
        "seed": one.seed,
        "fold": one.fold,
        "metrics": {name: one.figures.get(name) for name in leaderboard.charted()},
        "human_mean": one.raw_mean,
        "ratings": one.ratings,
        "index_recall": one.index_recall,
    }


def _ranked(row: LeaderboardRow) -> dict[str, object]:
    return {
        "rank": row.rank,
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "level_with_best": row.level_with_best,
        "not_tested": row.not_tested,
    }


def charted_figures(row: LeaderboardRow) -> list[MeanFigure]:
    """Return the metrics of a row that have a chart, in order."""
    return [figure for figure in row.figures if figure.name in leaderboard.charted()]


def _described(row: LeaderboardRow) -> dict[str, object]:
    return {"dataset": row.dataset.slug, "model": row.name, "protocol": row.protocol_name, "seed": row.seed}


def _rated(row: LeaderboardRow) -> dict[str, object]:
    people = row.people
    return {
        "human_mean": people.mean,
        "human_low": people.low,
        "human_high": people.high,
        "ratings": row.ratings,
        "index_recall": row.index_recall,
        "human_raw_mean": row.raw_mean,
        "human_win_rate": people.win_rate,
        "human_win_low": people.win_low,
        "human_win_high": people.win_high,
        "human_rank_low": people.rank_low,
        "human_rank_high": people.rank_high,
        "human_people": people.people,
        "human_queries": people.queries,
        "human_no_interval": people.no_interval,
        "human_no_interval_text": people.no_interval_text,
    }


def _flat(figures: Iterable[MeanFigure]) -> dict[str, float | None]:
    """Return each metric and the ends of its interval under names of their own: map_at_r, map_at_r_low and so on."""
    return {
        figure.name + end: value
        for figure in figures
        for end, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high))
    }


def leaderboard_file(sections: Sequence[Section], suffix: str) -> bytes:
    """Return the leaderboard as one of CONTENT_TYPES; a drawing of the same values is cached for a minute."""
    text = json.dumps(document_of(sections), indent=1)
    if suffix == "json":
        return text.encode()
    if suffix == "csv":
        return _table([row for section in sections for row in section.rows]).encode()
    key = f"leaderboard:{suffix}:{hashlib.sha256(text.encode()).hexdigest()}"
    draw = partial(_drawn, sections, suffix)
    drawn: bytes = cache.get_or_set(key, draw, KEEP_SECONDS)  # type: ignore[assignment]  # what is set is what comes
    return drawn


def _table(rows: Sequence[LeaderboardRow]) -> str:
    charted = leaderboard.charted()
    columns = [*BEFORE, *(name + end for name in charted for end in ("", "_low", "_high")), *AFTER]
    columns += [*(f"{name}_sd" for name in charted), *RANKS, *PEOPLE]
    flat = [
        {
            **_described(row),
            **_flat(charted_figures(row)),
            **_rated(row),
            **_ranked(row),
            **{f"{figure.name}_sd": figure.sd for figure in row.figures},
            "seeds": row.seed_count,
        }
        for row in rows
    ]
    return csv_text(columns, [[row[column] for column in columns] for row in flat])


def _drawn(sections: Sequence[Section], suffix: str) -> bytes:
    """Draw the metrics and the human means of every data set beside each other, with their intervals."""
    import matplotlib
    from matplotlib.figure import Figure

    heights = [1 + len(section.rows) for section in sections] or [1]
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


def _panels(line: Sequence[Any], section: Section, metrics: Mapping[str, str]) -> None:
    """Draw a data set: a panel for each metric, by its title, and one for the blind ratings."""
    *measured, people = line
    rows = section.rows
    by_name = [{figure.name: figure for figure in row.figures} for row in rows]
    for axes, (name, title) in zip(measured, metrics.items(), strict=True):
        title = title if axes is not measured[0] else f"{section.dataset.name}, {section.protocol.label}: {title}"
        figures = [figures[name] for figures in by_name]
        _panel(axes, rows, [(figure.value, figure.low, figure.high) for figure in figures], 100, title)
        axes.set_xlim(left=0)
    rated = [(row.people.mean, row.people.low, row.people.high) for row in rows]
    _panel(people, rows, rated, 1, "Blind ratings, 1 to 5")
    ends = [end for figure in rated for end in figure if end is not None]
    people.set_xlim(min([0.9, *ends]), max([5.1, *ends]))
    names = [f"{row.rank_text}  {row.name}{' ●' if row.level_with_best else ''}" for row in rows]
    measured[0].set_yticks(range(len(rows)), names)


def _panel(axes: Any, rows: Sequence[LeaderboardRow], values: Sequence[Estimate], scale: float, title: str) -> None:
    """Draw each row's value and interval (value, low, high), the first row on top: a mark, and a line."""
    for place, (row, (value, low, high)) in enumerate(zip(rows, values, strict=True)):
        color = HEX[row.color]
        if low is not None and high is not None:
            axes.plot([scale * low, scale * high], [place, place], color=color, linewidth=1.5)
        if value is not None:
            inside = "white" if row.color in HOLLOW else color
            axes.plot([scale * value], [place], MARKS[row.color], color=color, markerfacecolor=inside, markersize=6)
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.tick_params(labelsize=9, length=0, colors=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
