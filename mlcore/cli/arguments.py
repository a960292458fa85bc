"""What the commands have in common: how one is declared, and arguments that several take."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

DEFAULT_CACHE = Path("var/cache")


def add_command(
    commands: Any, name: str, command: Callable[[argparse.Namespace], Any], text: str
) -> argparse.ArgumentParser:
    """Declare a command: `command` takes the options and returns its result as plain JSON values, or None."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(command=command)
    return parser


def add_data(parser: argparse.ArgumentParser) -> None:
    """Take an imported data set and the folder of decoded pictures."""
    parser.add_argument("--data", type=Path, required=True, help="an imported data set")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="decoded pictures, shared by runs")


def add_child(parser: argparse.ArgumentParser) -> None:
    """Take what a parent process says that listens to this one and may stop it."""
    parser.add_argument("--events", choices=("jsonl",), help="one JSON event a line instead of bars")
    parser.add_argument("--child", action="store_true", help="end when the parent process ends")


def pair(text: str) -> tuple[str, Any]:
    """Return the two sides of NAME=VALUE."""
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"expected NAME=VALUE, got {text!r}")
    return name, value
