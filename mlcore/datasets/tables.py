"""Tables of text: CSV in whatever dialect a program wrote it, and JSON Lines.

The files that people bring come from spreadsheets and scripts of every kind, so nothing about them is assumed:
neither encoding nor separator nor the case of the header.
"""

import codecs
import csv
import io
import itertools
import json
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcore.datasets.source import printable
from mlcore.errors import DatasetError, shortened

MOST_BYTES = 100 * 2**20
MOST_CELLS = 10_000_000  # a million rows of ten columns; as text they take some 600 MB

# Rare in text first: where two separators would do, names may hold the later one.
SEPARATORS = ("\t", "|", ";", ",")
_NO_SEPARATOR = "\x1f"  # that of a table with one column
_SAMPLED_ROWS = 50
_STATED_SEPARATOR = re.compile(r'"?sep=([^"\r\n])"?[\r\n]*', re.IGNORECASE)  # spreadsheets write it above the header
_MARKS = (  # of byte order; UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Table:
    """A header and rows of as many cells each, all without white space around them.

    lines: where each row ends in the file, counted from 1. columns: as the file writes them; "" for one without a name.
    """

    name: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    lines: Sequence[int]

    def column(self, names: Sequence[str]) -> int | None:
        """Return the position of the first of `names` that the header has, whatever its case; None if it has none."""
        positions = {name.casefold(): number for number, name in reversed(list(enumerate(self.columns)))}
        return next((positions[name.casefold()] for name in names if name.casefold() in positions), None)

    def required(self, *names: str) -> int:
        """Return the position of a column as `column` does.

        Raises:
            DatasetError: the table has none of `names`; the message quotes its header.
        """
        position = self.column(names)
        if position is None:
            header = ", ".join(map(shortened, self.columns[:10])) + (", ..." if len(self.columns) > 10 else "")
            wanted = " or ".join(map(repr, names))
            raise DatasetError(f"{self.name} needs a column {wanted}; its header has {header}; rename one of them")
        return position


def load_table(file: Path) -> Table:
    """Return the table in a file.

    Raises:
        DatasetError: the file cannot be read, or `read_table` refuses it.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise DatasetError(f"cannot read {file.name}: {error.strerror or error}") from error
    return read_table(data, file.name)


def read_table(data: bytes, name: str) -> Table:
    """Return the table in `data`, whose first row is its header; `name` is that of the file, for messages.

    Read are UTF-8, and UTF-16 and UTF-32 with a byte-order mark; columns separated by comma, semicolon, tab or
    vertical bar, quoted or not. Empty lines are left out, and empty cells beyond the header's columns.

    Raises:
        DatasetError: empty, too large, of another encoding, or a row has another number of cells than the header.
    """
    encoding = _encoding_of(data, name)
    try:
        separator, above = _dialect_of(data, encoding)
        return _table_of(_records(_lines(data, encoding), separator, name), name, above)
    except UnicodeDecodeError as error:
        raise DatasetError(_encoding_fault(data, name, encoding)) from error


def _table_of(records: Iterator[tuple[int, tuple[str, ...]]], name: str, above: int) -> Table:
    """Return the table of (line, cells); `above` is the number of lines before the header."""
    rows: list[tuple[str, ...]] = []
    lines, cells = array("L"), 0
    for line, row in itertools.dropwhile(lambda record: record[0] <= above, records):
        width = len(rows[0]) if rows else len(row)
        if len(row) > width and not any(row[width:]):
            row = row[:width]
        if len(row) != width:
            raise DatasetError(f"line {line} of {name} has {len(row)} columns, its header has {width}")
        cells = _bounded(cells + width, name)
        rows.append(row)
        lines.append(line)
    if not rows:
        raise DatasetError(f"{name} holds no rows; its first one must name the columns")
    return Table(name, rows[0], rows[1:], lines[1:])


def read_json_lines(data: bytes, name: str) -> Table:
    """Return JSON objects, one a line, as a table: a column for each key, in the order in which they come.

    Numbers and what is nested become text as JSON writes them; null and missing keys become "".

    Raises:
        DatasetError: empty, too large, of another encoding, or a line is no JSON object.
    """
    encoding = _encoding_of(data, name)
    columns: dict[str, int] = {}
    objects, lines = [], array("L")
    try:
        for line, text in enumerate(_lines(data, encoding), 1):
            if text.strip():
                cells = _object_of(text, f"line {line} of {name}").items()
                objects.append({columns.setdefault(key.strip(), len(columns)): _text_of(cell) for key, cell in cells})
                lines.append(line)
                _bounded(len(columns) * len(objects), name)
    except UnicodeDecodeError as error:
        raise DatasetError(_encoding_fault(data, name, encoding)) from error
    if not objects:
        raise DatasetError(f"{name} holds no JSON object")
    rows = [tuple(row.get(column, "") for column in range(len(columns))) for row in objects]
    return Table(name, tuple(columns), rows, lines)


def _object_of(text: str, place: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{place} is no JSON: {error}; JSON Lines hold one object a line") from error
    if not isinstance(values, dict):
        raise DatasetError(f"{place} is {shortened(values)}; JSON Lines hold one object a line")
    return values


def _encoding_of(data: bytes, name: str) -> str:
    """Return the encoding that a table states by its byte-order mark, UTF-8 where it has none."""
    if not data:
        raise DatasetError(f"{name} is empty (0 bytes)")
    if len(data) > MOST_BYTES:
        raise DatasetError(f"{name} is larger than {MOST_BYTES // 2**20} MB; divide it into several")
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    if encoding.startswith("utf-8") and b"\0" in data:
        raise DatasetError(f"{name} holds bytes of 0, so it is not in UTF-8; save it as UTF-8")
    return encoding


def _lines(data: bytes, encoding: str) -> io.TextIOWrapper:
    """Return the lines with their ends; decoded bit by bit, for as one text they could take four times the bytes."""
    return io.TextIOWrapper(io.BytesIO(data), encoding, newline="")


def _encoding_fault(data: bytes, name: str, encoding: str) -> str:
    if not encoding.startswith("utf-8"):
        return f"{name} begins with the byte-order mark of {encoding.upper()}, but is damaged; save it as UTF-8"
    place = "its end"
    for number, line in enumerate(io.BytesIO(data), 1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            place = f"byte 0x{line[error.start]:02x} in line {number}"
            break
    return (
        f"{name} is not in UTF-8: {place} is of another encoding, such as Latin-1 or Windows-1252; "
        "save it as UTF-8 (spreadsheets call it CSV UTF-8)"
    )


def _dialect_of(data: bytes, encoding: str) -> tuple[str, int]:
    """Return the separator, and how many lines stand above the header.

    The separator is the one that gives the first rows as many columns as the header; most columns win.
    """
    stated = _STATED_SEPARATOR.fullmatch(_lines(data, encoding).readline())
    if stated:
        return stated[1], 1
    best, best_rank = _NO_SEPARATOR, (False, 1)
    for separator in SEPARATORS:
        widths = _widths(_records(_lines(data, encoding), separator, ""))
        rank = (len(set(widths)) == 1, widths[0] if widths else 0)
        if rank[1] > 1 and rank > best_rank:
            best, best_rank = separator, rank
    return best, 0


def _widths(records: Iterator[tuple[int, tuple[str, ...]]]) -> list[int]:
    """Return how many cells each of the first rows has; 0 for what cannot be read."""
    widths = []
    try:
        for _, row in itertools.islice(records, _SAMPLED_ROWS):
            widths.append(len(row))
    except DatasetError:
        widths.append(0)
    return widths


def _records(lines: Iterable[str], separator: str, name: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the line in which each row ends and its cells; rows without any text are left out."""
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    try:
        for row in reader:
            cells = tuple(cell.strip() for cell in row)
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise DatasetError(f"line {reader.line_num} of {name} cannot be read as CSV: {error}") from error


def _bounded(cells: int, name: str) -> int:
    if cells > MOST_CELLS:
        raise DatasetError(f"{name} has more than {MOST_CELLS:,} cells; leave out columns that are not needed")
    return cells


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return printable(value).strip()  # JSON can escape half of a character
    return "" if value is None else json.dumps(value)
