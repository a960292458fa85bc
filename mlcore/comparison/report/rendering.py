"""The document in five formats; each escapes what people named."""

import csv
import io
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from mlcore.artifacts import published
from mlcore.comparison.report.figures import (
    CHARTS,
    accuracy_chart,
    best_of_n_chart,
    curves_chart,
    recall_chart,
    slide_chart,
)
from mlcore.comparison.report.formatting import (
    applies_text,
    latex_text,
    markdown_text,
    matrix_of,
    metrics_markdown,
    notes_of,
    number_text,
    one_line,
    parameters,
    percent_text,
    points_text,
    significance_text,
    to_best_of,
)
from mlcore.comparison.report.further_charts import further_charts
from mlcore.comparison.report.further_tables import further_means, further_tables
from mlcore.comparison.report.tuning_section import (
    CURVE_TEXT,
    best_of_n_texts,
    range_texts,
    searched_title,
    shown_numbers,
    tuned_values,
    tuning_text,
)
from mlcore.evaluation.metric_table import HEADLINE, title_of, value_text

FORMATS = ("html", "md", "tex", "csv", "json")
"""Suffixes of a report's texts."""
TEMPLATES = Path(__file__).with_name("templates")
COMMAND = "python -m mlcore rerun report.json --data DATA --out AGAIN"


def write_report(document: Mapping[str, Any], folder: Path) -> None:
    """Write report.html, .md, .tex, .csv, .json, .svg and .png, and the drawings, into the new folder, whole.

    Drawings are drawing-NAME.svg: of each of `drawings`.

    Raises:
        FileExistsError: the folder is already there.
    """
    with published(folder) as scratch:
        drawn = drawings(document)
        for suffix, text in rendered(document, drawn=drawn).items():
            (scratch / f"report.{suffix}").write_text(text, encoding="utf-8")
        for suffix in CHARTS:
            (scratch / f"report.{suffix}").write_bytes(slide_chart(document, suffix))
        for name, svg in drawn.items():
            (scratch / f"drawing-{name}.svg").write_text(svg, encoding="utf-8")


def drawings(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the SVG of tunings, "best-of-n", and of each of `further_tables` by its name, of what was measured."""
    tuned = {loss: found["expected_best"] for loss, found in document["tuning"].items() if found["expected_best"]}
    return {**({"best-of-n": best_of_n_chart(tuned)} if tuned else {}), **further_charts(document)}


def rendered(
    document: Mapping[str, Any], formats: Collection[str] = FORMATS, *, drawn: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the text of each of these formats by its suffix; the same document gives the same bytes.

    drawn: its `drawings`, where they are there already.
    """
    values = {
        **document,
        "protocol": document["comparison"]["protocol"],
        "notes": notes_of(document),
        "matrix": matrix_of(document),
        "to_best": to_best_of(document),
        "significance_text": significance_text(document),
        "metrics_markdown": metrics_markdown(document),
        "tuning_text": tuning_text(document["comparison"]) if document["tuning"] else "",
        "numbers_of_trials": shown_numbers(document["tuning"]),
        "curve_text": CURVE_TEXT,
        "further_tables": further_tables(document),
        "headline": HEADLINE,
        "command": COMMAND + (" --weights WEIGHTS" if document["comparison"]["weights_sha256"] else ""),
    }
    texts: dict[str, Callable[[], str]] = {
        "html": lambda: _template("report.html", autoescape=True).render(**values, **_svgs(document, drawn)),
        "md": lambda: _template("report.md", autoescape=False).render(**values),
        "tex": lambda: _template("report.tex", autoescape=False).render(**values),
        "csv": lambda: _csv(document),
        "json": lambda: json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n",
    }
    return {suffix: texts[suffix]() for suffix in formats}


def _svgs(document: Mapping[str, Any], drawn: Mapping[str, str] | None) -> dict[str, Any]:
    """Return what only HTML shows: our own drawings, which have escaped the names in them."""
    titles = {row["name"]: row["title"] for row in document["rows"]}
    measured = document.get("validation_curves")
    others = {
        "accuracy_svg": accuracy_chart(document["rows"]),
        "curves_svg": curves_chart(document["curves"], titles) if document["curves"] else "",
        "validation_curves_svg": recall_chart(measured, titles) if measured else "",
    }
    beside = drawings(document) if drawn is None else drawn
    markup = {name: Markup(svg) for name, svg in beside.items()}  # noqa: S704
    return {name: Markup(svg) for name, svg in others.items()} | {"drawings": markup}  # noqa: S704


def _template(name: str, *, autoescape: bool) -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=autoescape,  # noqa: S701  # of HTML; Markdown and LaTeX have escapes of their own, below
        undefined=StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": percent_text,
        "number": number_text,
        "diagnostic": value_text,
        "title_of": title_of,
        "parameters": parameters,
        "points": points_text,
        "applies": applies_text,
        "tuned_values": tuned_values,
        "best_of_n": best_of_n_texts,
        "ranges": range_texts,
        "searched_title": searched_title,
        "markdown": markdown_text,
        "code": lambda text: one_line(text).replace("`", "'"),
        "latex": latex_text,
        "comment": one_line,
    }
    return environment.get_template(name)


def _csv(document: Mapping[str, Any]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    parts = ("mean", "sd", "low", "high")
    columns = [f"{figure}_{part}" for figure in document["metrics"] for part in parts]
    costs = ("train_seconds", "images_per_second", "peak_memory_mib")
    diagnostics = document["diagnostics"] or {"meanings": {}, "rows": {}}
    further = further_means(document)
    names = list(dict.fromkeys(name for values in further.values() for name in values))
    writer.writerow(["row", "title", "seeds", "level_with_best", *columns, *costs, *diagnostics["meanings"], *names])
    for row in document["rows"]:
        figures = [row["metrics"][figure][part] for figure in document["metrics"] for part in parts]
        writer.writerow(
            [_cell(row["name"]), _cell(row["title"]), len(row["seeds"]), row["level_with_best"], *figures]
            + [row[cost] for cost in costs]
            + [diagnostics["rows"][row["name"]].get(figure) for figure in diagnostics["meanings"]]
            + [further.get(row["name"], {}).get(name) for name in names]
        )
    return stream.getvalue()


def _cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
