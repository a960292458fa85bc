"""The document in five formats; each escapes what people named."""

import csv
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mlcore.artifacts import published
from mlcore.comparison.report.figures import accuracy_chart, curves_chart
from mlcore.comparison.significance import BETTER, UNCLEAR, WORSE

TEMPLATES = Path(__file__).with_name("templates")
COMMAND = "python -m mlcore rerun report.json --data DATA --out AGAIN"
MARKS = {BETTER: "+", WORSE: "−", UNCLEAR: "·"}
OPPOSITE = {BETTER: WORSE, WORSE: BETTER, UNCLEAR: UNCLEAR}
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    character: f"\\{character}" for character in "&%$#_{}"
}


def write_report(document: Mapping[str, Any], folder: Path) -> None:
    """Write report.html, .md, .tex, .csv and .json into the new folder, which appears whole.

    Raises:
        FileExistsError: the folder is already there.
    """
    with published(folder) as scratch:
        for suffix, text in rendered(document).items():
            (scratch / f"report.{suffix}").write_text(text, encoding="utf-8")


def rendered(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of every format by its suffix; the same document gives the same bytes."""
    titles = {row["name"]: row["title"] for row in document["rows"]}
    values = {
        **document,
        "protocol": document["comparison"]["protocol"],
        "notes": notes_of(document),
        "matrix": matrix_of(document),
        "command": COMMAND + (" --weights WEIGHTS" if document["comparison"]["weights_sha256"] else ""),
    }
    drawings = {
        "accuracy_svg": Markup(accuracy_chart(document["rows"])),  # noqa: S704  # our own drawing, escaped by it
        "curves_svg": Markup(curves_chart(document["curves"], titles)) if document["curves"] else "",  # noqa: S704
    }
    return {
        "html": _environment(autoescape=True).get_template("report.html").render(**values, **drawings),
        "md": _environment(autoescape=False).get_template("report.md").render(**values),
        "tex": _environment(autoescape=False).get_template("report.tex").render(**values),
        "csv": _csv(document),
        "json": json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n",
    }


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=autoescape,  # noqa: S701  # of HTML; Markdown and LaTeX have escapes of their own, below
        undefined=StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": lambda value: "–" if value is None else f"{100 * value:.2f}",
        "number": lambda value: "–" if value is None else f"{value:,.0f}",
        "diagnostic": diagnostic_text,
        "figure_name": figure_name,
        "parameters": parameters,
        "found_values": found_values,
        "markdown": lambda text: re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", _one_line(text)),
        "code": lambda text: _one_line(text).replace("`", "'"),
        "latex": lambda text: "".join(_LATEX.get(character, character) for character in _one_line(text)),
        "comment": _one_line,
    }
    return environment


def figure_name(figure: str) -> str:
    """Return Recall@1 for recall_at_1."""
    return {"map_at_r": "MAP@R", "r_precision": "R-Precision"}.get(figure, figure.replace("recall_at_", "Recall@"))


def diagnostic_text(value: float | None, kind: str) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.1f}" if kind == "share" else f"{value:.0f}" if kind == "count" else f"{value:.3f}"


def _one_line(text: str) -> str:
    return " ".join(str(text).split())


def parameters(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in params.items())


def found_values(best: Mapping[str, Any] | None) -> str:
    if best is None:
        return "every trial failed"
    rate = best["proxy_rate_factor"]
    return parameters(best["params"] | ({} if rate is None else {"proxy rate factor": rate}))


def notes_of(document: Mapping[str, Any]) -> list[str]:
    """Return what is not in the table, and why; and what to mind of what is."""
    failed, missing = document["failed"], document["missing"]
    cells = len(document["cells"]) + len(failed) + len(missing)
    notes = []
    if failed:
        reasons = "; ".join(f"{name}: {why}" for name, why in failed.items())
        notes.append(f"{len(failed)} of {cells} cells failed, the rest is shown: {reasons}")
    if missing:
        notes.append(f"{len(missing)} of {cells} cells are not run yet")
    warnings = document["diagnostics"]["warnings"] if document["diagnostics"] else {}
    titles = {row["name"]: row["title"] for row in document["rows"]}
    notes += [f"{titles[name]} was warned in training: {'; '.join(said)}" for name, said in warnings.items()]
    return notes


def matrix_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for each row, its mark against every row, and the numbers of those it beats and so on."""
    verdicts = {}
    for pair in document["pairs"]["map_at_r"]:
        verdicts[pair["first"], pair["second"]] = pair["verdict"]
        verdicts[pair["second"], pair["first"]] = OPPOSITE[pair["verdict"]]
    lines = []
    for row in document["rows"]:
        found = [verdicts.get((row["name"], other["name"]), "") for other in document["rows"]]

        def numbers(verdict: str, found: list[str] = found) -> str:
            return ", ".join(str(place) for place, one in enumerate(found, 1) if one == verdict) or "–"

        marks = [MARKS.get(verdict, "") for verdict in found]
        lines.append({"title": row["title"], "marks": marks, "better": numbers(BETTER), "worse": numbers(WORSE)})
        lines[-1]["unclear"] = numbers(UNCLEAR)
    return lines


def _csv(document: Mapping[str, Any]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    parts = ("mean", "sd", "low", "high")
    columns = [f"{figure}_{part}" for figure in document["figures"] for part in parts]
    costs = ("train_seconds", "images_per_second", "peak_memory_mib")
    diagnostics = document["diagnostics"] or {"meanings": {}, "rows": {}}
    writer.writerow(["row", "title", "seeds", "level_with_best", *columns, *costs, *diagnostics["meanings"]])
    for row in document["rows"]:
        figures = [row["figures"][figure][part] for figure in document["figures"] for part in parts]
        writer.writerow(
            [_cell(row["name"]), _cell(row["title"]), len(row["seeds"]), row["level_with_best"], *figures]
            + [row[cost] for cost in costs]
            + [diagnostics["rows"][row["name"]].get(figure) for figure in diagnostics["meanings"]]
        )
    return stream.getvalue()


def _cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
