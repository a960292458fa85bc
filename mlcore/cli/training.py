"""The commands that train, and that estimate how long it will take."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.cli.arguments import add_child, add_command, add_data, add_weights, local_file, pair, weights_changes
from mlcore.cli.terminal import Bar, emit
from mlcore.config import PRESETS, Protocol, preset
from mlcore.evaluation.metric_table import HEADLINE, title_of
from mlcore.events import Event
from mlcore.losses import LOSSES
from mlcore.runs import BASELINES

if TYPE_CHECKING:
    from mlcore.training.distributed import ProcessGroup


def add_commands(commands: Any) -> None:
    """Declare `train` and `estimate`."""
    train = add_command(commands, "train", _train, "train one loss under a protocol, measure it, embed the data set")
    add_data(train)
    train.add_argument("--out", type=Path, required=True, help="new folder of the run")
    train.add_argument(
        "--work", type=Path, help="folder of checkpoints; kept if the run is stopped (default: OUT.work)"
    )
    train.add_argument("--loss", required=True, help="name of a loss, see `losses`; or untrained or half_whitened_pca")
    train.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="parameter of the loss (default: the paper's)",
    )
    train.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    train.add_argument("--fold", type=int, help="fold to hold out, from 0, if the protocol has folds")
    train.add_argument(
        "--measured-on", choices=("test", "validation"), default="test", help="classes to measure on (default: test)"
    )
    train.add_argument(
        "--engine", action="store_true", help="also export the trained network for the engine that serves searches"
    )
    estimate = add_command(
        commands, "estimate", _estimate, "estimate the seconds of a training on this machine from a short trial run"
    )
    add_data(estimate)
    for command in (train, estimate):
        command.add_argument(
            "--preset",
            default="fine-tune-small",
            help=f"name of a protocol: {', '.join(PRESETS)} (default: fine-tune-small)",
        )
        command.add_argument("--protocol", type=Path, help="JSON file of a protocol, instead of a preset")
        command.add_argument(
            "--set", action="append", default=[], metavar="FIELD=VALUE", help="change of a protocol field"
        )
        add_weights(command)
        command.add_argument("--threads", type=int, default=0, help="CPU threads (default: torch's choice)")
        add_child(command)


def _train(options: argparse.Namespace) -> Any:
    from mlcore.process_signals import die_with_parent, stop_on_signal

    # Before torch, which takes seconds to import: the parent may end or ask to stop meanwhile.
    if options.child:
        die_with_parent()
    should_stop = stop_on_signal()
    from mlcore.training.distributed import join_process_group

    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    with join_process_group() as group:
        return _train_in(group, options, should_stop)


def _train_in(group: "ProcessGroup", options: argparse.Namespace, should_stop: Callable[[], bool]) -> Any:
    from mlcore.datasets import load_dataset
    from mlcore.runs import RunSpec
    from mlcore.training.train import RunPaths, TrainingCallbacks, train

    spec = RunSpec(
        protocol=_protocol(options),
        loss=options.loss,
        params=dict(pair(text) for text in options.param),
        seed=options.seed,
        fold=options.fold,
        measured_on=options.measured_on,
    )
    work = options.work or options.out.with_name(options.out.name + ".work")
    bar = Bar()

    def report(event: Event) -> None:
        if options.events:
            emit(event)
        elif event["event"] == "progress":
            bar(event["phase"], event["done"], event["total"])
        elif event["event"] == "epoch":
            bar.close()
            print(_epoch_line(event), *event.get("warnings", []), sep="\n  warning: ", file=sys.stderr)

    metrics = train(
        spec,
        load_dataset(options.data),
        RunPaths(options.out, work, options.cache),
        weights=local_file(options),
        callbacks=TrainingCallbacks(report if group.is_main else _say_nothing, should_stop),
        group=group,
    )
    if options.engine and group.is_main:
        from mlcore.inference.engine_export import prepare_engine

        prepare_engine(options.out, options.cache)
    bar.close()
    return metrics if group.is_main and not options.events else None


def _estimate(options: argparse.Namespace) -> Any:
    """Measure step times, store them in the cache, and return the seconds of a run of each loss."""
    from mlcore.process_signals import die_with_parent, stop_on_signal

    begun = time.perf_counter()
    if options.child:
        die_with_parent()
    should_stop = stop_on_signal()
    from mlcore.artifacts import write_json
    from mlcore.datasets import load_dataset
    from mlcore.training.estimate import step_times_file
    from mlcore.training.setup import TrainingCallbacks
    from mlcore.training.timing import measure_step_times

    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    protocol, dataset, bar = _protocol(options), load_dataset(options.data), Bar()
    file = local_file(options)

    def report(event: Event) -> None:
        if options.events:
            emit(event)
        else:
            bar(event["phase"], event["done"], event["total"])

    progress = TrainingCallbacks(report, should_stop).progress
    times = measure_step_times(protocol, dataset, options.cache, weights=file, begun=begun, progress=progress)
    bar.close()
    target = step_times_file(options.cache, dataset.fingerprint, protocol, file.name if file else "")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_json(target, times.to_json())
    return None if options.events else {loss: round(times.of_run(protocol, loss), 1) for loss in (*BASELINES, *LOSSES)}


def _say_nothing(event: Event) -> None:
    """Ignore an event: of several processes the main one reports."""


def _epoch_line(event: Event) -> str:
    line = f"epoch {event['epoch']}/{event['epochs']}  loss {event['loss']:.4f}"
    line += f"  {event['images_per_second']:.0f} images/s"
    if "validation" in event:
        line += f"  validation {title_of(HEADLINE)} {event['validation'][HEADLINE]:.4f}"
    return line


def _protocol(options: argparse.Namespace) -> Protocol:
    chosen = preset(options.preset)
    if options.protocol:
        chosen = Protocol.from_json(json.loads(options.protocol.read_text()))
    changes: dict[str, object] = dict(pair(text) for text in options.set)
    if local_file(options) is None or chosen.weights != "scratch":
        changes = {**weights_changes(options), **changes}
    chosen = chosen.with_changes(**changes)
    return chosen if options.child else chosen.bounded()  # a job goes on with what it was begun with
