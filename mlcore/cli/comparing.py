"""The commands on comparisons."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.cli.arguments import add_child, add_command, add_data, add_weights, local_file, weights_changes
from mlcore.cli.terminal import emit
from mlcore.comparison.plan import Comparison, read_comparison
from mlcore.comparison.rerun import EQUAL, MOVED, WITHIN, differences, part_of, read_finished
from mlcore.comparison.running import run_comparison
from mlcore.comparison.search_space import last_edges
from mlcore.comparison.tuning import run_tuning
from mlcore.comparison.tuning_state import best_of, rates_of
from mlcore.comparison.workers import run_workers
from mlcore.comparison.workspace import ComparisonWorkspace
from mlcore.errors import ComparisonError, Stopped
from mlcore.evaluation.metric_table import HEADLINE, Place, figures_of, title_of
from mlcore.events import Event
from mlcore.process_signals import die_with_parent, stop_on_signal

if TYPE_CHECKING:
    from mlcore.comparison.results import ComparisonFiles

MOVED_STATUS = 4


def add_commands(commands: Any) -> None:
    """Declare `compare`, `tune`, `rerun` and `report`."""
    compare = add_command(commands, "compare", _compare, "run every loss, seed and fold of a comparison, or resume it")
    compare.add_argument("file", type=Path, help="JSON file: name, preset and changes, losses, seeds, tuning")
    tune = add_command(commands, "tune", _tune, "run the tuning trials of one loss of a comparison, or resume them")
    tune.add_argument("file", type=Path, help="JSON file as for compare, with tuning")
    tune.add_argument("--loss", required=True, help="name of the loss")
    tune.add_argument("--events", choices=("jsonl",), help="format of progress: one JSON event per line")
    rerun = add_command(
        commands,
        "rerun",
        _rerun,
        f"repeat a finished comparison; exit status {MOVED_STATUS} if a metric moved by more than the noise",
    )
    rerun.add_argument("file", type=Path, help="comparison.json, or a report.json")
    rerun.add_argument("--losses", nargs="+", default=[], help="names of losses to repeat (default: all)")
    rerun.add_argument("--seeds", nargs="+", type=int, default=[], help="seeds to repeat (default: all)")
    for command in (compare, rerun):
        command.add_argument("--workers", type=int, default=1, help="number of processes (default: 1)")
    for command in (compare, rerun, tune):
        add_data(command)
        command.add_argument("--out", type=Path, required=True, help="folder of the comparison")
        add_weights(command)
        command.add_argument("--threads", type=int, default=0, help="CPU threads per process (default: torch's choice)")
        command.add_argument("--child", action="store_true", help="end this process when its parent ends")
    report = add_command(
        commands, "report", _report, "write the report of a comparison: HTML, Markdown, LaTeX, CSV, JSON"
    )
    report.add_argument(
        "folder", type=Path, help="folder of the comparison, or a JSON file that lists the folders of its cells"
    )
    report.add_argument(
        "--external", type=Path, nargs="+", default=[], help="folders of external models or embeddings, added as rows"
    )
    report.add_argument("--data", type=Path, help="folder of its data set, needed where folds are not joined yet")
    report.add_argument("--out", type=Path, help="new folder (default: report/ in the comparison's)")
    add_child(report)


def _compare(options: argparse.Namespace) -> Mapping[str, object] | None:
    comparison = read_comparison(options.file, weights_changes(options))
    return _run(options, comparison, ["compare", str(options.file)])


def _rerun(options: argparse.Namespace) -> Mapping[str, object] | None:
    whole, before = read_finished(options.file)
    comparison = part_of(whole, options.losses, options.seeds)
    limits = [*(("--losses", *options.losses) if options.losses else ())]
    limits += [*(("--seeds", *map(str, options.seeds)) if options.seeds else ())]
    _run(options, comparison, ["rerun", str(options.file), *limits])
    if options.child:
        return None
    _, now = read_finished(options.out / "comparison.json")
    found = differences(whole, before, now)
    counts = {conclusion: sum(one.conclusion == conclusion for one in found) for conclusion in (EQUAL, WITHIN, MOVED)}
    for one in found:
        if one.conclusion != EQUAL:
            print(
                f"{one.cell} {one.figure}: {100 * one.before:.2f} -> {100 * one.now:.2f}, {one.conclusion} "
                f"({100 * one.noise:.2f})",
                file=sys.stderr,
            )
    return {**counts, "status": MOVED_STATUS if counts[MOVED] else 0}


def _run(options: argparse.Namespace, comparison: Comparison, again: Sequence[str]) -> Mapping[str, object] | None:
    if options.workers < 1:
        raise ComparisonError(f"workers must be at least 1, got {options.workers}")
    if options.child:
        die_with_parent()
    should_stop = stop_on_signal()
    if options.workers > 1:
        shared = ["--data", options.data, "--out", options.out, "--cache", options.cache]
        shared += ["--weights", options.weights] if options.weights else []
        run_workers([*again, *map(str, shared)], options.workers, should_stop)
    counts = _run_here(options, comparison, should_stop)
    return None if options.child else counts


def _tune(options: argparse.Namespace) -> Mapping[str, object] | None:
    if options.child:
        die_with_parent()
    should_stop = stop_on_signal()
    comparison = read_comparison(options.file, weights_changes(options))

    def say(name: str, event: Event) -> None:
        if options.events and event["event"] in ("progress", "trial"):
            emit({**event, "trial": name})
        elif event["event"] == "trial":
            print(f"{name}: {title_of(HEADLINE)} {_percent(event[HEADLINE])}", file=sys.stderr, flush=True)

    state = run_tuning(_workspace(options), comparison, options.loss, on_event=say, should_stop=should_stop)
    if options.events:
        return None
    best, measured = best_of(state, options.loss), state["measured"]
    failed = sum(trial["map_at_r"] is None for trial in measured)
    counts = {"loss": options.loss, "trials": len(measured), "failed": failed, "untuned": measured[0]["map_at_r"]}
    at_edge = last_edges(state, options.loss, best)
    return counts | {"best": best["map_at_r"], "params": best["params"], **rates_of(best), "at_edge": at_edge}


def _percent(value: float | None) -> str:
    return "not finite" if value is None else f"{100 * value:.2f}"


def _workspace(options: argparse.Namespace) -> ComparisonWorkspace:
    from mlcore.datasets import load_dataset

    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    return ComparisonWorkspace(options.out, load_dataset(options.data), local_file(options), options.cache)


def _run_here(
    options: argparse.Namespace, comparison: Comparison, should_stop: Callable[[], bool]
) -> Mapping[str, object]:
    workspace = _workspace(options)
    total, warned = len(comparison.cells()), set[str]()

    def say(name: str, event: Event) -> None:
        if event["event"] == "metrics":
            done = sum(workspace.cell(cell).exists() for cell in comparison.cells())
            print(f"{name}: {measured_line(event)}  ({done} of {total} cells)", file=sys.stderr, flush=True)
        elif event["event"] == "error":
            print(f"{name} failed: {event['message']}", file=sys.stderr, flush=True)
        elif event.get("warnings") and name not in warned:  # once, not in every epoch that follows
            warned.add(name)
            print(f"{name}, epoch {event['epoch']}:", *event["warnings"], file=sys.stderr, flush=True)

    counts = run_comparison(workspace, comparison, on_event=say, should_stop=should_stop)
    return {"cells": total, **counts, "out": str(options.out)}


def measured_line(metrics: Mapping[str, Any]) -> str:
    """Return the summary of a cell's metrics in percent: Recall@1 71.00  MAP@R 42.00."""
    figures = figures_of(metrics, Place.SUMMARY)
    return "  ".join(f"{title_of(figure)} {100 * value:.2f}" for figure, value in figures.items())


def _report(options: argparse.Namespace) -> Mapping[str, object] | None:
    step = _steps(options, ("read", "join folds", "test differences", "write"))
    step()
    from mlcore.comparison.report.document import document_of
    from mlcore.comparison.report.rendering import write_report
    from mlcore.comparison.results import files_in, files_listed, read_results

    is_folder = options.folder.is_dir()
    files = files_in(options.folder) if is_folder else files_listed(options.folder)
    beside = options.folder if is_folder else options.folder.parent
    step()
    if options.data:
        files = _with_joined_folds(files, options.data, beside / "cells")
    step()
    out = options.out or beside / "report"
    document = document_of(read_results(files, options.external))
    step()
    write_report(document, out)
    if options.events:
        return None
    failed, missing = len(document["failed"]), len(document["missing"])
    return {"rows": len(document["rows"]), "failed": failed, "missing": missing, "out": str(out)}


def _with_joined_folds(files: "ComparisonFiles", data: Path, folder: Path) -> "ComparisonFiles":
    from mlcore.comparison.folds import join_folds
    from mlcore.datasets import load_dataset

    return replace(files, joined=join_folds(load_dataset(data), files.comparison, files.done, folder))


def _steps(options: argparse.Namespace, names: Sequence[str]) -> Callable[[], None]:
    """Return a function to call before each step: it reports progress, and raises Stopped after a signal."""
    if not options.child:
        return lambda: None
    die_with_parent()
    should_stop, left = stop_on_signal(), list(enumerate(names))

    def step() -> None:
        if should_stop():
            raise Stopped("stopped by a signal; nothing is written")
        done, name = left.pop(0)
        if options.events:
            emit({"event": "progress", "phase": name, "done": done, "total": len(names)})

    return step
