"""Output: tables and JSON on stdout, messages on stderr."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

Row = Mapping[str, Any]
NOTHING = "–"


def say(text: str) -> None:
    """Print a message on stderr."""
    click.echo("\n".join(plain(line) for line in text.splitlines()), err=True)


def as_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


def as_json_line(value: Any) -> None:
    click.echo(json.dumps(value))


def plain(text: str) -> str:
    """Return it without control characters, which names of a site may have."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def cell(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return plain(str(value))


def table(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print rows under the names of their columns, numbers right-aligned."""
    lines = [[*columns], *([cell(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    right = [all(isinstance(row.get(name), int | float) for row in rows) and bool(rows) for name in columns]
    for line in lines:
        cells = zip(line, widths, right, strict=True)
        padded = [text.rjust(width) if number else text.ljust(width) for text, width, number in cells]
        click.echo("  ".join(padded).rstrip())


def percent(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.2f}"


def duration(seconds: float) -> str:
    """Return a duration as text: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
