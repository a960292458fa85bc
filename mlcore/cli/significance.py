"""The command that tests differences between anybody's systems."""

import argparse
from pathlib import Path
from typing import Any

from mlcore.cli.arguments import add_command


def add_commands(commands: Any) -> None:
    """Declare `significance`."""
    command = add_command(
        commands, "significance", _significance, "test which rows of a CSV of scores differ, and which may be the best"
    )
    command.add_argument(
        "file",
        type=Path,
        help="CSV with the columns class and query, then NAME or NAME:SEED for each row or training; higher is better",
    )
    command.add_argument("--metric-name", default="mean", help="name of the values in the output (default: mean)")
    command.add_argument(
        "--fixed",
        nargs="+",
        default=[],
        metavar="NAME",
        help="rows that no seed changes, such as a baseline without training; a pair with another row of one seed has "
        "no conclusion",
    )


def _significance(options: argparse.Namespace) -> dict[str, Any] | None:
    from mlcore.comparison.score_table import read_scores, significance_document, significance_lines

    document = significance_document(read_scores(options.file), options.metric_name, options.fixed)
    if options.json:
        return document
    print("\n".join(significance_lines(document)))
    return None
