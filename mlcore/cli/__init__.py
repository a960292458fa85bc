"""Train, compare and measure losses for image retrieval, and search, without a web site.

Every command takes --json, which prints one JSON document to standard output. Progress bars and messages go to
standard error. Exit status: 0 done, 1 an error in one sentence, 3 stopped by a signal at a safe point.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from mlcore.cli import comparing, datasets, further, judge, models, significance, training
from mlcore.cli.terminal import emit, readable
from mlcore.errors import MlcoreError, Stopped

GROUPS = (datasets, training, comparing, further, significance, judge, models)
"""Each declares its commands by `add_commands`; none imports torch before one of them runs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 1 an error, 3 stopped, or the command's own."""
    options = _parser().parse_args(arguments)
    try:
        result = options.command(options)
    except Stopped as stop:
        _complain(options, str(stop), stopped=True)
        return 3
    except (MlcoreError, TypeError, ValueError, OSError) as error:
        if isinstance(error, TypeError) and not _is_about_parameters(error):
            raise
        _complain(options, str(error))
        return 1
    status = int(result.pop("status", 0)) if isinstance(result, dict) else 0
    if result is not None:
        print(json.dumps(result, indent=1) if options.json else readable(result))
    return status


def _is_about_parameters(error: TypeError) -> bool:
    return "has no parameter" in str(error)


def _complain(options: argparse.Namespace, message: str, *, stopped: bool = False) -> None:
    # Of several processes the first alone speaks to who listens; its neighbours say theirs on standard error.
    if getattr(options, "events", None) and os.environ.get("RANK", "0") == "0":
        emit({"event": "stopped" if stopped else "error", "message": message})
    print(f"error: {message}" if not stopped else message, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlcore", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in GROUPS:
        group.add_commands(commands)
    return parser
