"""The command that measures result lists against judgements."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlcore.cli.arguments import add_command


def add_commands(commands: Any) -> None:
    """Declare `judge`."""
    judge = add_command(
        commands, "judge", _judge, "measure runs against judgements: nDCG@8, Judged@8 and bpref, in TREC's file formats"
    )
    judge.add_argument("qrels", type=Path, help="file of judgements: query, 0, result, grade; qrels.txt of the site")
    judge.add_argument(
        "runs",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="file of results: query, Q0, result, rank, score, tag; one of runs.zip of the site",
    )


def _judge(options: argparse.Namespace) -> Mapping[str, object] | None:
    from mlcore.evaluation.judged_runs import judged_lines, judged_runs

    found = judged_runs(options.qrels, options.runs)
    if options.json:
        return found
    print("\n".join(judged_lines(found)))
    return None
