"""How a command is declared, and arguments that several commands share."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlcore.weights import HUB, hub_changes, local_architecture

DEFAULT_CACHE = Path("var/cache")


def add_command(
    commands: Any, name: str, command: Callable[[argparse.Namespace], Any], text: str
) -> argparse.ArgumentParser:
    """Declare a command: `command` takes the options and returns its result as plain JSON values, or None."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print the result as one JSON document")
    parser.set_defaults(command=command)
    return parser


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add an imported data set and the folder of decoded pictures."""
    parser.add_argument("--data", type=Path, required=True, help="folder of an imported data set")
    parser.add_argument(
        "--cache",
        type=Path,
        default=DEFAULT_CACHE,
        help=f"folder of decoded pictures, shared by runs (default: {DEFAULT_CACHE})",
    )


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the weights that a training starts from, and their architecture."""
    parser.add_argument(
        "--weights",
        help="local .safetensors file, with its .json beside it unless it is of timm; "
        "or hub:NAME, weights that timm fetches",
    )
    parser.add_argument("--architecture", help="timm architecture of a file without .json (default: by its tensors)")


def local_file(options: argparse.Namespace) -> Path | None:
    """Return the file of local weights; None for those of the hub, and for the protocol's own."""
    return Path(options.weights) if options.weights and not options.weights.startswith(HUB) else None


def weights_changes(options: argparse.Namespace) -> dict[str, object]:
    """Return the changes of a protocol for the weights in the options; a file of timm without its JSON gets one.

    Raises:
        WeightsError: the file or its architecture is not known, or that is no name on the hub.
    """
    file = local_file(options)
    if file is None:
        return {**hub_changes(options.weights)} if options.weights else {}
    if not file.with_suffix(".json").is_file():
        from mlcore.networks.architecture_guess import write_missing_description

        write_missing_description(file, options.architecture or "")
    return {"weights": "local", "backbone": local_architecture(file)}


def add_child(parser: argparse.ArgumentParser) -> None:
    """Add the options of a parent process that reads events and may stop this process."""
    parser.add_argument(
        "--events", choices=("jsonl",), help="format of progress: one JSON event per line, instead of bars"
    )
    parser.add_argument("--child", action="store_true", help="end this process when its parent ends")


def pair(text: str) -> tuple[str, Any]:
    """Return the two sides of NAME=VALUE."""
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"expected NAME=VALUE, got {text!r}")
    return name, value
