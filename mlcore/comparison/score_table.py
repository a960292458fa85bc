"""Tests between anybody's systems: a CSV of what each query earned, read, compared, and printed."""

import csv
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.comparison.row_intervals import row_intervals
from mlcore.comparison.sign_flips import Floats, Ints
from mlcore.comparison.significance import CONCLUSION_TEXTS, DRAWS, METHOD, SignificanceTests, compare_rows
from mlcore.errors import MetricsError, shortened

KEYS = ("class", "query")
FEWEST_CLASSES = 6
"""With fewer, the least p-value 2 / 2^C is above 5 %."""


@dataclass(frozen=True)
class ScoreTable:
    """What each of Q queries earned. labels [Q]: the number of its class. rows: name -> seed -> values [Q].

    with_seed: names whose columns have a seed. A column without one is a row of one seed, 0.
    """

    labels: Ints
    classes: int
    rows: Mapping[str, Mapping[int, Floats]]
    with_seed: frozenset[str]


def read_scores(file: Path) -> ScoreTable:
    """Read a CSV with the columns class and query, then one a row (`NAME`) or one a training (`NAME:SEED`).

    Raises:
        MetricsError: the columns are others, a value is no finite number, a query comes twice, or there are fewer than
            two classes or two rows. The message names line and column.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.reader(stream))
    except (UnicodeDecodeError, csv.Error) as error:
        raise MetricsError(f"{file.name} is no CSV in UTF-8: {error}") from None
    header, body = [name.strip() for name in lines[0]] if lines else [], [line for line in lines[1:] if line]
    columns = _columns(header)
    places = {name: header.index(name) for name in KEYS}
    numbers = [number for number, line in enumerate(lines[1:], 2) if line]
    for number, line in zip(numbers, body, strict=True):
        if len(line) != len(header):
            raise MetricsError(f"line {number} has {len(line)} cells, the header has {len(header)}; fill each cell")
    _require_each_once([line[places["query"]].strip() for line in body], numbers)
    classes, labels = np.unique([line[places["class"]].strip() for line in body], return_inverse=True)
    if len(classes) < 2:
        raise MetricsError(f"{len(classes)} class; queries of two classes or more show how much classes vary")
    if "" in classes:
        raise MetricsError("a query has no class; fill the column class in every line")
    rows: dict[str, dict[int, Floats]] = {}
    for place, (name, seed) in columns.items():
        values = [_number(line[place], number, header[place]) for number, line in zip(numbers, body, strict=True)]
        rows.setdefault(name, {})[seed or 0] = np.array(values)
    return ScoreTable(
        labels, len(classes), rows, frozenset(name for name, seed in columns.values() if seed is not None)
    )


def _columns(header: Sequence[str]) -> dict[int, tuple[str, int | None]]:
    """Return name and seed of each column of values, by its place."""
    missing = [name for name in KEYS if name not in header]
    if missing:
        raise MetricsError(f"no column {' and no column '.join(missing)}; the first line must name class and query")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise MetricsError(f"the column {shortened(twice[0])} comes twice; name each column once")
    columns = {place: _name_and_seed(text) for place, text in enumerate(header) if text not in KEYS}
    names = {name for name, _ in columns.values()}
    with_seed = {name for name, seed in columns.values() if seed is not None}
    mixed = sorted(with_seed & {name for name, seed in columns.values() if seed is None})
    if mixed:
        raise MetricsError(f"{shortened(mixed[0])} has columns with and without a seed; give each of them one")
    if len(set(columns.values())) < len(columns):
        raise MetricsError("two columns name the same row and seed; name each training once")
    if len(names) < 2:
        raise MetricsError(f"{len(names)} row besides class and query; two or more can be compared")
    return columns


def _name_and_seed(text: str) -> tuple[str, int | None]:
    name, separator, seed = text.partition(":")
    if not name.strip() or (separator and not (seed.isascii() and seed.isdecimal() and len(seed) < 10)):
        raise MetricsError(f"column {shortened(text)} must be NAME or NAME:SEED, with a whole number as the seed")
    return name.strip(), int(seed) if separator else None


def _require_each_once(queries: Sequence[str], numbers: Sequence[int]) -> None:
    lines: dict[str, int] = {}
    for query, number in zip(queries, numbers, strict=True):
        if not query:
            raise MetricsError(f"line {number} names no query; fill the column query")
        if query in lines:
            raise MetricsError(f"query {shortened(query)} is in line {lines[query]} and line {number}; keep one")
        lines[query] = number


def _number(text: str, line: int, column: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise MetricsError(
            f"line {line}, column {shortened(column)}: {shortened(text)} is no finite number; "
            "leave a query out of the file if a row has no value for it"
        )
    return value


def significance_document(table: ScoreTable, metric: str, fixed: Collection[str] = ()) -> dict[str, Any]:
    """Return rows (best first), pairs and notes as plain JSON values, in the unit of the values.

    fixed: rows that no seed changes.

    Raises:
        MetricsError: a fixed row is not in the table.
    """
    unknown = sorted(set(fixed) - table.rows.keys())
    if unknown:
        raise MetricsError(f"no row {shortened(unknown[0])}; the rows are {', '.join(table.rows)}")
    tests = compare_rows(table.labels, table.rows, fixed=fixed)
    intervals = row_intervals(table.labels, table.rows)
    means = {name: float(np.mean([values.mean() for values in runs.values()])) for name, runs in table.rows.items()}
    ordered = sorted(table.rows, key=lambda name: (-means[name], name))
    level = tests.level_with(ordered[0])
    rows = []
    for name in ordered:
        low, high = intervals[name]
        seeds = sorted(table.rows[name])
        of_seeds = [float(table.rows[name][seed].mean()) for seed in seeds]
        rows.append(
            {
                "name": name,
                "mean": means[name],
                "low": low,
                "high": high,
                "sd": float(np.std(of_seeds, ddof=1)) if len(seeds) > 1 else None,
                "seeds": len(seeds),
                "fixed": name in fixed,
                "level_with_best": level[name],
            }
        )
    return {
        "metric": metric,
        "queries": len(table.labels),
        "classes": table.classes,
        "test": METHOD,
        "draws": DRAWS,
        "rows": rows,
        "pairs": [pair.to_json() for pair in tests.pairs],
        "notes": _notes(table, tests, fixed),
    }


def _notes(table: ScoreTable, tests: SignificanceTests, fixed: Collection[str]) -> list[str]:
    single = [name for name, runs in table.rows.items() if len(runs) == 1 and name not in fixed]
    notes = []
    if single:
        notes.append(
            f"One seed: {', '.join(single)}. One training does not show how much training varies, so pairs with "
            "them have no conclusion. Give further seeds (NAME:SEED), or name rows that are not trained as --fixed."
        )
    counts = {len(runs) for name, runs in table.rows.items() if name not in fixed and name not in single}
    if len(counts) > 1:
        notes.append(f"Rows have {min(counts)} to {max(counts)} seeds; each row counts with all of its own.")
    if table.classes < FEWEST_CLASSES and any(pair.p_adjusted is not None for pair in tests.pairs):
        notes.append(f"{table.classes} classes have too few sign flips for 5 %; nothing can differ significantly.")
    return notes


def significance_lines(document: Mapping[str, Any]) -> list[str]:
    """Return the document as lines of text: rows, pairs and notes."""
    rows, pairs, metric = document["rows"], document["pairs"], document["metric"]
    width = max(len(row["name"]) for row in rows)
    lines = [f"{document['queries']} queries of {document['classes']} classes; * no significant difference to the best"]
    lines.append(f"  {'row':{width}}  {metric:>12}  {'95 % interval':>26}  {'sd of seeds':>12}  seeds")
    for row in rows:
        mark, sd = "*" if row["level_with_best"] else " ", "" if row["sd"] is None else f"{row['sd']:.6g}"
        interval = f"{row['low']:.6g} to {row['high']:.6g}"
        seeds = "fixed" if row["fixed"] else row["seeds"]
        lines.append(f"{mark} {row['name']:{width}}  {row['mean']:12.6g}  {interval:>26}  {sd:>12}  {seeds:>5}")
    lines += [
        "",
        f"  {'pair':{2 * width + 3}}  {'difference':>12}  {'95 % interval':>26}  {'p corrected':>11}  conclusion",
    ]
    for pair in pairs:
        names = f"{pair['first']:{width}} - {pair['second']:{width}}"
        p = "" if pair["p_adjusted"] is None else f"{pair['p_adjusted']:.4f}"
        interval = f"{pair['low']:.6g} to {pair['high']:.6g}"
        text = CONCLUSION_TEXTS[pair["conclusion"]]
        lines.append(f"  {names}  {pair['difference']:12.6g}  {interval:>26}  {p:>11}  {text}")
    return [*lines, *(["", *document["notes"]] if document["notes"] else [])]
