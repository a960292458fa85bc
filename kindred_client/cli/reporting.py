"""The report of an experiment: its files, and its table."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from kindred_client.cli.session import Session
from kindred_client.cli.showing import NOTHING, percent, say, table

SUFFIXES = ("html", "md", "tex", "csv", "json")
COLUMNS = ("loss", "Recall@1", "MAP@R", "95 % of MAP@R", "seeds", "best")


def check(files: Iterable[Path]) -> None:
    """Look at once, and not after hours, whether the files can be saved."""
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


def show(document: Mapping[str, Any]) -> None:
    """Print the rows in percent; ● is the best MAP@R and all that cannot be told from it."""
    table([_row(row) for row in document["rows"]], COLUMNS)
    for name, why in (document.get("failed") or {}).items():
        say(f"{name}: {why}")


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    found = row["figures"].get("map_at_r") or {}
    interval = NOTHING if found.get("low") is None else f"{percent(found['low'])}–{percent(found['high'])}"
    return {
        "loss": row["title"],
        "Recall@1": _spread(row["figures"].get("recall_at_1")),
        "MAP@R": _spread(found),
        "95 % of MAP@R": interval,
        "seeds": len(row["seeds"]),
        "best": "●" if row["best"] or row["level_with_best"] else "",
    }


def _spread(figure: Mapping[str, Any] | None) -> str:
    if not figure:
        return NOTHING
    spread = "" if figure.get("sd") is None else f" ± {percent(figure['sd'])}"
    return percent(figure["mean"]) + spread
