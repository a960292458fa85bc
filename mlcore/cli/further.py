"""The command that measures finished runs further."""

import argparse
from pathlib import Path
from typing import Any

from mlcore.cli.arguments import add_command, add_data
from mlcore.cli.terminal import Bar
from mlcore.errors import ComparisonError


def add_commands(commands: Any) -> None:
    """Declare `further`."""
    further = add_command(
        commands,
        "further",
        _further,
        "measure finished runs further: fewer dimensions and bytes, unknown classes, altered queries",
    )
    further.add_argument("folder", type=Path, help="folder of a run, an external model, or a whole comparison")
    add_data(further)
    further.add_argument(
        "--robustness", action="store_true", help="embed and measure altered queries too: a forward pass for each kind"
    )


def _further(options: argparse.Namespace) -> Any:
    from mlcore.datasets import load_dataset
    from mlcore.training.later_metrics import LaterMetrics

    folders = _runs_in(options.folder)
    bar = Bar()
    later = LaterMetrics(load_dataset(options.data), options.cache, bar)
    measured = [later.add(folder, robustness=options.robustness) for folder in folders]
    bar.close()
    return {"runs": len(folders), "measured": sum(measured)}


def _runs_in(folder: Path) -> list[Path]:
    """Return the folder itself if it holds embeddings, else those of a comparison's finished cells.

    Joined folds keep no embeddings of their own; they were measured when they were joined.
    """
    if (folder / "embeddings.npy").is_file():
        return [folder]
    # Folders that begin with a dot are being written, or were cut off.
    found = [file.parent for file in sorted((folder / "cells").glob("[!.]*/embeddings.npy"))]
    if not found:
        raise ComparisonError(f"{folder} holds no finished run; give the folder of a run or of a comparison")
    return found
