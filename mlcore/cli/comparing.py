"""The commands on comparisons."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.cli.arguments import add_child, add_command, add_data
from mlcore.cli.terminal import emit
from mlcore.comparison.plan import Comparison, read_comparison
from mlcore.comparison.rerun import EQUAL, MOVED, WITHIN, differences, part_of, read_finished
from mlcore.comparison.running import Bench, run_comparison, run_tuning
from mlcore.comparison.workers import run_workers
from mlcore.errors import ComparisonError, Stopped
from mlcore.evaluation.metric_table import HEADLINE, Place, figures_of, title_of
from mlcore.lifetime import die_with_parent, stop_on_signal

if TYPE_CHECKING:
    from mlcore.comparison.results import Places

MOVED_STATUS = 4


def add_commands(commands: Any) -> None:
    """Declare `compare`, `tune`, `rerun` and `report`."""
    compare = add_command(
        commands, "compare", _compare, "run every loss, seed and fold of a comparison, or go on with it"
    )
    compare.add_argument("file", type=Path, help="JSON: name, preset and changes, losses, seeds, tuning")
    tune = add_command(commands, "tune", _tune, "do the trials of one loss of a comparison, or go on with them")
    tune.add_argument("file", type=Path, help="as for compare; it must say tuning")
    tune.add_argument("--loss", required=True)
    tune.add_argument("--events", choices=("jsonl",), help="one JSON event a line")
    rerun = add_command(
        commands,
        "rerun",
        _rerun,
        f"run a finished comparison again; exit status {MOVED_STATUS} when a figure moved by more than the noise",
    )
    rerun.add_argument("file", type=Path, help="comparison.json of its folder, or the report.json made of it")
    rerun.add_argument("--losses", nargs="+", default=[], help="these only")
    rerun.add_argument("--seeds", nargs="+", type=int, default=[], help="these only")
    for command in (compare, rerun):
        command.add_argument("--workers", type=int, default=1, help="processes that share the work")
    for command in (compare, rerun, tune):
        add_data(command)
        command.add_argument("--out", type=Path, required=True, help="the comparison's folder")
        command.add_argument("--weights", type=Path, help="local .safetensors with its .json beside it")
        command.add_argument("--threads", type=int, default=0, help="CPU threads of each (default: torch's choice)")
        command.add_argument("--child", action="store_true", help="end when the parent process ends")
    report = add_command(
        commands, "report", _report, "write the report of a comparison: HTML, Markdown, LaTeX, CSV, JSON"
    )
    report.add_argument("folder", type=Path, help="the comparison's folder, or a JSON file that lists where cells lie")
    report.add_argument("--external", type=Path, nargs="+", default=[], help="folders of external models, as rows")
    report.add_argument("--data", type=Path, help="its data set, to join folds that are not joined yet")
    report.add_argument("--out", type=Path, help="the new folder (default: report/ in the comparison's)")
    add_child(report)


def _compare(options: argparse.Namespace) -> dict[str, Any] | None:
    comparison = read_comparison(options.file, _changes(options.weights))
    return _run(options, comparison, ["compare", str(options.file)])


def _rerun(options: argparse.Namespace) -> dict[str, Any] | None:
    whole, before = read_finished(options.file)
    comparison = part_of(whole, options.losses, options.seeds)
    limits = [*(("--losses", *options.losses) if options.losses else ())]
    limits += [*(("--seeds", *map(str, options.seeds)) if options.seeds else ())]
    _run(options, comparison, ["rerun", str(options.file), *limits])
    if options.child:
        return None
    _, now = read_finished(options.out / "comparison.json")
    found = differences(whole, before, now)
    counts = {verdict: sum(one.verdict == verdict for one in found) for verdict in (EQUAL, WITHIN, MOVED)}
    for one in found:
        if one.verdict != EQUAL:
            print(
                f"{one.cell} {one.figure}: {100 * one.before:.2f} -> {100 * one.now:.2f}, {one.verdict} "
                f"({100 * one.noise:.2f})",
                file=sys.stderr,
            )
    return {**counts, "status": MOVED_STATUS if counts[MOVED] else 0}


def _changes(weights: Path | None) -> dict[str, object]:
    """Return what a local weights file asks of the protocol."""
    if weights is None:
        return {}
    from mlcore.networks.backbones import local_architecture

    return {"weights": "local", "backbone": local_architecture(weights)}


def _run(options: argparse.Namespace, comparison: Comparison, again: Sequence[str]) -> dict[str, Any] | None:
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


def _tune(options: argparse.Namespace) -> dict[str, Any] | None:
    if options.child:
        die_with_parent()
    should_stop = stop_on_signal()
    comparison = read_comparison(options.file, _changes(options.weights))

    def say(name: str, event: dict[str, Any]) -> None:
        if options.events and event["event"] in ("progress", "trial"):
            emit({**event, "trial": name})
        elif event["event"] == "trial":
            print(f"{name}: {title_of(HEADLINE)} {_percent(event[HEADLINE])}", file=sys.stderr, flush=True)

    state = run_tuning(_bench(options), comparison, options.loss, listen=say, should_stop=should_stop)
    if options.events:
        return None
    from mlcore.comparison.tuning import best_of

    best, measured = best_of(state, options.loss), state["measured"]
    failed = sum(trial["map_at_r"] is None for trial in measured)
    counts = {"loss": options.loss, "trials": len(measured), "failed": failed, "untuned": measured[0]["map_at_r"]}
    return counts | {"best": best["map_at_r"], "params": best["params"], "proxy_rate_factor": best["proxy_rate_factor"]}


def _percent(value: float | None) -> str:
    return "not finite" if value is None else f"{100 * value:.2f}"


def _bench(options: argparse.Namespace) -> Bench:
    from mlcore.datasets import load_dataset

    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    return Bench(options.out, load_dataset(options.data), options.weights, options.cache)


def _run_here(options: argparse.Namespace, comparison: Comparison, should_stop: Callable[[], bool]) -> dict[str, Any]:
    bench = _bench(options)
    total, warned = len(comparison.cells()), set[str]()

    def say(name: str, event: dict[str, Any]) -> None:
        if event["event"] == "metrics":
            done = sum(bench.cell(cell).exists() for cell in comparison.cells())
            print(f"{name}: {measured_line(event)}  ({done} of {total} cells)", file=sys.stderr, flush=True)
        elif event["event"] == "error":
            print(f"{name} failed: {event['message']}", file=sys.stderr, flush=True)
        elif event.get("warnings") and name not in warned:  # once, not in every epoch that follows
            warned.add(name)
            print(f"{name}, epoch {event['epoch']}:", *event["warnings"], file=sys.stderr, flush=True)

    counts = run_comparison(bench, comparison, listen=say, should_stop=should_stop)
    return {"cells": total, **counts, "out": str(options.out)}


def measured_line(metrics: Mapping[str, Any]) -> str:
    """Return the summary of a cell's metrics in percent: Recall@1 71.00  MAP@R 42.00."""
    figures = figures_of(metrics, Place.SUMMARY)
    return "  ".join(f"{title_of(figure)} {100 * value:.2f}" for figure, value in figures.items())


def _report(options: argparse.Namespace) -> dict[str, Any] | None:
    step = _steps(options, ("read", "join folds", "test differences", "write"))
    step()
    from mlcore.comparison.report.document import document_of
    from mlcore.comparison.report.rendering import write_report
    from mlcore.comparison.results import places_in, places_listed, read_results

    is_folder = options.folder.is_dir()
    places = places_in(options.folder) if is_folder else places_listed(options.folder)
    beside = options.folder if is_folder else options.folder.parent
    step()
    if options.data:
        places = _with_joined_folds(places, options.data, beside / "cells")
    step()
    out = options.out or beside / "report"
    document = document_of(read_results(places, options.external))
    step()
    write_report(document, out)
    if options.events:
        return None
    failed, missing = len(document["failed"]), len(document["missing"])
    return {"rows": len(document["rows"]), "failed": failed, "missing": missing, "out": str(out)}


def _with_joined_folds(places: "Places", data: Path, folder: Path) -> "Places":
    from mlcore.comparison.folds import join_folds
    from mlcore.datasets import load_dataset

    return replace(places, joined=join_folds(load_dataset(data), places.comparison, places.done, folder))


def _steps(options: argparse.Namespace, names: Sequence[str]) -> Callable[[], None]:
    """Return what to call before each step: it tells who listens, and stops a child that was asked to."""
    if not options.child:
        return lambda: None
    die_with_parent()
    should_stop, left = stop_on_signal(), list(enumerate(names))

    def step() -> None:
        if should_stop():
            raise Stopped("stopped as asked; nothing is written")
        done, name = left.pop(0)
        if options.events:
            emit({"event": "progress", "phase": name, "done": done, "total": len(names)})

    return step
