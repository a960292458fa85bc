"""Texts of a report that pages of the site show too: notes, the matrix of paired tests, parameters, a citation."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from mlcore.comparison.significance import BETTER, CONCLUSION_TEXTS, METHOD, ONE_SEED, OPPOSITE, UNCLEAR, WORSE
from mlcore.evaluation.metric_table import HEADLINE, title_of

MARKS = {BETTER: "+", WORSE: "−", UNCLEAR: "·", ONE_SEED: "?"}
_EPOCH, _NUMBER = re.compile(r"epoch (\d+): "), re.compile(r"\d[\d.]*")
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    character: f"\\{character}" for character in "&%$#_{}"
}


def parameters(params: Mapping[str, Any]) -> str:
    """Return parameters in one line: scale 20, gamma 0.1."""
    return ", ".join(f"{name} {value:.4g}" for name, value in params.items())


def applies_text(violated: bool | None) -> str:
    """Return whether a known pitfall applies, in words; None: it is not known."""
    return "not known" if violated is None else "applies" if violated else "does not apply"


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
    notes += [f"Training warnings of {titles[name]}: {_warnings_text(said)}" for name, said in warnings.items()]
    return notes


def _warnings_text(said: Sequence[str]) -> str:
    """Return each warning once, with the epochs of all trainings that had it and the numbers of the last one."""
    kinds: dict[str, dict[int, str]] = {}
    for warning in said:
        found = _EPOCH.match(warning)
        epoch, text = (int(found[1]), warning[found.end() :]) if found else (0, warning)
        kinds.setdefault(_NUMBER.sub("", text), {})[epoch] = text
    return "; ".join(f"{_epochs_text(texts)}{texts[max(texts)]}" for texts in kinds.values())


def _epochs_text(epochs: Iterable[int]) -> str:
    first, last = min(epochs), max(epochs)
    if not last:
        return ""
    return f"epoch {last}: " if first == last else f"epochs {first} to {last}: "


def significance_text(document: Mapping[str, Any]) -> str:
    """Return how the pairs were tested, what was corrected for, and what one seed leaves open, in sentences."""
    pairs = document["pairs"][HEADLINE]
    tested = sum(pair["p_adjusted"] is not None for pair in pairs)
    title, draws = title_of(HEADLINE), document["draws"]
    sentences = []
    if tested and document["test"] == METHOD:
        sentences = [
            f"{title}, tested at 5 %. Each of {draws:,} draws flips the sign of whole classes, the same for all rows, "
            f"and computes every pair's studentised difference again. p-values are corrected for all {tested} pairs "
            "together (step-down maximum), and intervals of differences hold for all pairs at once. "
            "The spread between seeds counts.",
        ]
    elif tested:
        sentences = [
            f"{title}, tested at 5 % by the paired bootstrap over the same held-out classes, queries and seeds "
            f"({draws:,} resamples), Holm-corrected over {tested} pairs. Create the report again for the present test."
        ]
    if tested < len(pairs):
        sentences.append(
            "One seed does not show how much training varies. A pair with a row of one seed has its difference and, "
            "over queries and classes, its interval; it has no conclusion."
        )
    return " ".join(sentences)


def matrix_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for each row, its cell against every row, and the numbers of those it beats and so on.

    A cell: mark, conclusion and its text, difference of the means (row minus column, a fraction of 1) with its
    interval low to high, and adjusted p; None on the diagonal and where the two share no seed. In reports of before
    low and high are None.
    """
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for pair in document["pairs"][HEADLINE]:
        cells[pair["first"], pair["second"]] = _cell(pair)
        cells[pair["second"], pair["first"]] = _cell(_turned(pair))
    lines = []
    for row in document["rows"]:
        own = [cells.get((row["name"], other["name"])) for other in document["rows"]]

        def numbers(conclusion: str, own: list[dict[str, Any] | None] = own) -> str:
            places = (str(place) for place, one in enumerate(own, 1) if one and one["conclusion"] == conclusion)
            return ", ".join(places) or "–"

        lines.append(
            {
                "title": row["title"],
                "cells": own,
                "marks": [one["mark"] if one else "" for one in own],
                "better": numbers(BETTER),
                "worse": numbers(WORSE),
                "unclear": numbers(UNCLEAR),
                "one_seed": numbers(ONE_SEED),
            }
        )
    return lines


def to_best_of(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the cell of each row against the best one, as of `matrix_of`, by the row's name."""
    names = [row["name"] for row in document["rows"]]
    best = next((place for place, row in enumerate(document["rows"]) if row["best"]), 0)
    lines = zip(names, matrix_of(document), strict=True)
    return {name: line["cells"][best] for name, line in lines if line["cells"][best]}


def _turned(pair: Mapping[str, Any]) -> dict[str, Any]:
    low, high = (None if end is None else -end for end in (pair["high"], pair["low"]))
    conclusion = OPPOSITE[pair["conclusion"]]
    return {**pair, "difference": -pair["difference"], "low": low, "high": high, "conclusion": conclusion}


def _cell(pair: Mapping[str, Any]) -> dict[str, Any]:
    conclusion, p = pair["conclusion"], pair["p_adjusted"]
    return {
        "mark": MARKS[conclusion],
        "conclusion": conclusion,
        "text": CONCLUSION_TEXTS[conclusion],
        "difference": pair["difference"],
        "low": pair["low"],
        "high": pair["high"],
        "p": p,
        "p_text": p_text(p),
    }


def p_text(p: float | None) -> str:
    """Return a p-value as tables print it: .034, or <.001; – where there was no test."""
    if p is None:
        return "–"
    return "<.001" if p < 0.001 else "1" if p >= 0.9995 else f"{p:.3f}".removeprefix("0")


def points_text(cell: Mapping[str, Any]) -> str:
    """Return a difference with its interval in points of percent: -1.20 (-1.90 to -0.50)."""
    difference = f"{100 * cell['difference']:+.2f}"
    return (
        difference if cell["low"] is None else f"{difference} ({100 * cell['low']:+.2f} to {100 * cell['high']:+.2f})"
    )


def metrics_markdown(document: Mapping[str, Any]) -> str:
    """Return the table of metrics in Markdown: percent, mean ± standard deviation over seeds, ● as in the report."""
    metrics = document["metrics"]
    titles = ["#", "loss", *map(title_of, metrics), f"95 % of {title_of(HEADLINE)}", "seeds", "seconds", "MiB"]
    lines = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    for place, row in enumerate(document["rows"], 1):
        headline = row["metrics"][HEADLINE]
        cells = [
            str(place),
            markdown_text(row["title"]) + (" ●" if row["level_with_best"] else ""),
            *(_spread(row["metrics"][metric]) for metric in metrics),
            f"{percent_text(headline['low'])}–{percent_text(headline['high'])}",
            str(len(row["seeds"])),
            number_text(row["train_seconds"]),
            number_text(row["peak_memory_mib"]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(figure: Mapping[str, Any]) -> str:
    spread = "" if figure["sd"] is None else f" ± {percent_text(figure['sd'])}"
    return percent_text(figure["mean"]) + spread


def percent_text(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f}"


def number_text(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


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
