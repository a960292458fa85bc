"""Judgements (qrels) and result lists (runs) in the formats of TREC, read strictly: a wrong line is named."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mlcore.errors import MetricsError, shortened

Qrels = Mapping[str, Mapping[str, int]]
"""Grades by query and result."""

Run = Mapping[str, Sequence[str]]
"""Results by query, best first."""


def read_qrels(path: Path) -> Qrels:
    """Return the grades of a qrels file: lines of query, iteration (not read), result, grade.

    Raises:
        MetricsError: the file or a line of it is none of qrels, or it has no line; names file and line.
        OSError: the file cannot be opened.
    """
    grades: dict[str, dict[str, int]] = {}
    lines: dict[tuple[str, str], int] = {}
    for number, (query, _, result, grade) in _rows(path, ("query", "0", "result", "grade")):
        _require_once(path, lines, (query, result), number)
        if not (grade.isascii() and grade.isdecimal() and len(grade) < 10):
            raise MetricsError(f"{path}, line {number}: the grade must be a whole number from 0 on, got {grade!r}")
        grades.setdefault(query, {})[result] = int(grade)
    if not grades:
        raise MetricsError(f"{path} has no judgement; mark results first, then export the qrels again")
    return grades


def read_run(path: Path) -> Run:
    """Return the results of a run file: lines of query, Q0 (not read), result, rank (not read), score, tag (not read).

    The order is that of trec_eval: by score, equal scores by the result's name, both from the highest down.

    Raises:
        MetricsError: the file or a line of it is none of a run; names file and line.
        OSError: the file cannot be opened.
    """
    scores: dict[str, dict[str, float]] = {}
    lines: dict[tuple[str, str], int] = {}
    for number, (query, _, result, _, score, _) in _rows(path, ("query", "Q0", "result", "rank", "score", "tag")):
        _require_once(path, lines, (query, result), number)
        scores.setdefault(query, {})[result] = _score(path, number, score)
    ordered = {
        query: sorted(((score, result) for result, score in one.items()), reverse=True) for query, one in scores.items()
    }
    return {query: [result for _, result in results] for query, results in ordered.items()}


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Give each line's number and its columns; empty lines are left out."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                row = line.split()
                if row and len(row) != len(columns):
                    raise MetricsError(
                        f"{path}, line {number}: expected {len(columns)} columns ({' '.join(columns)}), got {len(row)}"
                    )
                if row:
                    yield number, row
    except UnicodeDecodeError:
        raise MetricsError(f"{path} is no text in UTF-8; unpack it first if it is an archive") from None


def _require_once(path: Path, lines: dict[tuple[str, str], int], pair: tuple[str, str], number: int) -> None:
    if pair in lines:
        query, result = map(shortened, pair)
        raise MetricsError(f"{path}, line {number}: {result} of query {query} is in line {lines[pair]} too; keep one")
    lines[pair] = number


def _score(path: Path, number: int, text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise MetricsError(f"{path}, line {number}: the score must be a finite number, got {shortened(text)}")
    return score
