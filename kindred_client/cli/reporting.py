"""The report of an experiment: its files, and its table."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from kindred_client.cli.measured import report_columns, report_row, summary_metrics
from kindred_client.cli.output import say, table
from kindred_client.cli.session import Session

SUFFIXES = ("html", "md", "tex", "csv", "json", "svg", "png")


def check(files: Iterable[Path]) -> None:
    """Check before the runs start that the files can be saved."""
    for file in files:
        if suffix_of(file) not in SUFFIXES:
            raise click.UsageError(f"--report {file}: its name must end in {', '.join('.' + one for one in SUFFIXES)}")
        in_a_folder("--report", file)


def in_a_folder(option: str, file: Path) -> None:
    if not file.parent.is_dir():
        raise click.UsageError(f"{option} {file}: there is no folder {file.parent}")


def suffix_of(file: Path) -> str:
    return file.suffix.lower().removeprefix(".")


def save(session: Session, experiment: int, files: Iterable[Path]) -> list[Path]:
    """Save the newest report under each name, in the format that the name's end says."""
    saved = []
    for file in files:
        saved.append(session.client.experiments.report_file(experiment, suffix_of(file)).save(file))
        say(f"Saved {saved[-1]}")
    return saved


def show(session: Session, document: Mapping[str, Any]) -> None:
    """Print the rows in percent; ● marks the best and all without a significant difference to it."""
    metrics = summary_metrics(session)
    table([report_row(row, metrics) for row in document["rows"]], report_columns(metrics))
    for name, why in (document.get("failed") or {}).items():
        say(f"{name}: {why}")
