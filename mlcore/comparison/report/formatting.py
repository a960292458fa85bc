"""Texts of a report that pages of the site show too: notes, the matrix of paired tests, parameters, a citation."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from mlcore.comparison.significance import BETTER, UNCLEAR, WORSE
from mlcore.evaluation.metric_table import HEADLINE

MARKS = {BETTER: "+", WORSE: "−", UNCLEAR: "·"}
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    character: f"\\{character}" for character in "&%$#_{}"
}
OPPOSITE = {BETTER: WORSE, WORSE: BETTER, UNCLEAR: UNCLEAR}


def parameters(params: Mapping[str, Any]) -> str:
    """Return parameters in one line: scale 20, gamma 0.1."""
    return ", ".join(f"{name} {value:.4g}" for name, value in params.items())


def tuned_values(best: Mapping[str, Any] | None) -> str:
    """Return what the best trial of a tuning was trained with, in one line; None: every trial failed."""
    if best is None:
        return "every trial failed"
    rate = best["proxy_rate_factor"]
    return parameters(best["params"] | ({} if rate is None else {"proxy rate factor": rate}))


def notes_of(document: Mapping[str, Any]) -> list[str]:
    """Return failed and missing runs with the reasons, and warnings of trainings."""
    failed, missing = document["failed"], document["missing"]
    cells = len(document["cells"]) + len(failed) + len(missing)
    notes = []
    if failed:
        reasons = "; ".join(f"{name}: {why}" for name, why in failed.items())
        notes.append(f"{len(failed)} of {cells} runs failed: {reasons}")
    if missing:
        notes.append(f"{len(missing)} of {cells} runs are not finished yet")
    warnings = document["diagnostics"]["warnings"] if document["diagnostics"] else {}
    titles = {row["name"]: row["title"] for row in document["rows"]}
    notes += [f"Training warnings of {titles[name]}: {'; '.join(said)}" for name, said in warnings.items()]
    return notes


def matrix_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for each row, its mark against every row, and the numbers of those it beats and so on."""
    conclusions = {}
    for pair in document["pairs"][HEADLINE]:
        conclusions[pair["first"], pair["second"]] = pair["conclusion"]
        conclusions[pair["second"], pair["first"]] = OPPOSITE[pair["conclusion"]]
    lines = []
    for row in document["rows"]:
        own = [conclusions.get((row["name"], other["name"]), "") for other in document["rows"]]

        def numbers(conclusion: str, own: list[str] = own) -> str:
            return ", ".join(str(place) for place, one in enumerate(own, 1) if one == conclusion) or "–"

        marks = [MARKS.get(conclusion, "") for conclusion in own]
        lines.append({"title": row["title"], "marks": marks, "better": numbers(BETTER), "worse": numbers(WORSE)})
        lines[-1]["unclear"] = numbers(UNCLEAR)
    return lines


def one_line(text: object) -> str:
    return " ".join(str(text).split())


def markdown_text(text: object) -> str:
    """Return text in one line that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", one_line(text))


def latex_text(text: object) -> str:
    """Return text in one line that LaTeX shows as it is."""
    return "".join(_LATEX.get(character, character) for character in one_line(text))


def bibtex_entry(key: str, *, title: str, url: str, day: date, note: str) -> str:
    """Return a BibTeX entry of a page; the key keeps letters, digits and hyphens only."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-")
    fields = {
        "title": f"{{{latex_text(title)}}}",
        "howpublished": rf"\url{{{url}}}",
        "year": str(day.year),
        "note": f"{latex_text(note)}. Accessed {day.isoformat()}",
    }
    return "\n".join([f"@misc{{{name},", *(f"  {field} = {{{value}}}," for field, value in fields.items()), "}"])
