"""The command that trains."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.cli.arguments import add_command, add_data, pair
from mlcore.cli.terminal import Bar, emit
from mlcore.config import PRESETS, Protocol, preset

if TYPE_CHECKING:
    from mlcore.distributed import World


def add_commands(commands: Any) -> None:
    """Declare `train`."""
    train = add_command(commands, "train", _train, "train one loss under a protocol, measure it, embed the data set")
    add_data(train)
    train.add_argument("--out", type=Path, required=True, help="the new folder of the run")
    train.add_argument("--work", type=Path, help="checkpoints; kept when stopped (default: OUT.work)")
    train.add_argument("--preset", default="fine-tune-small", help=f"one of {', '.join(PRESETS)}")
    train.add_argument("--protocol", type=Path, help="a JSON file instead of a preset")
    train.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="change the protocol")
    train.add_argument("--loss", required=True, help="see `losses`, or untrained or half_whitened_pca")
    train.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="the loss's own")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--fold", type=int, help="which fold is held out, where the protocol has folds")
    train.add_argument("--weights", type=Path, help="local .safetensors with its .json beside it")
    train.add_argument("--measured-on", choices=("test", "validation"), default="test")
    train.add_argument("--threads", type=int, default=0, help="CPU threads (default: torch's choice)")
    train.add_argument("--events", choices=("jsonl",), help="one JSON event a line instead of bars")
    train.add_argument("--child", action="store_true", help="end when the parent process ends")


def _train(options: argparse.Namespace) -> Any:
    from mlcore.lifetime import die_with_parent, stop_on_signal

    # Before torch, which takes seconds to import: the parent may end or ask to stop meanwhile.
    if options.child:
        die_with_parent()
    should_stop = stop_on_signal()
    from mlcore.distributed import joined

    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    with joined() as world:
        return _train_in(world, options, should_stop)


def _train_in(world: "World", options: argparse.Namespace, should_stop: Callable[[], bool]) -> Any:
    from mlcore.datasets import load_dataset
    from mlcore.runs import RunSpec
    from mlcore.train import Listener, Workplace, train

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

    def report(event: dict[str, Any]) -> None:
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
        Workplace(options.out, work, options.cache),
        weights=options.weights,
        listener=Listener(report if world.is_first else _say_nothing, should_stop),
        world=world,
    )
    bar.close()
    return metrics if world.is_first and not options.events else None


def _say_nothing(event: dict[str, Any]) -> None:
    """Hear of a run in silence: of several processes the first speaks."""


def _epoch_line(event: dict[str, Any]) -> str:
    line = f"epoch {event['epoch']}/{event['epochs']}  loss {event['loss']:.4f}"
    line += f"  {event['images_per_second']:.0f} images/s"
    if "validation" in event:
        line += f"  validation MAP@R {event['validation']['map_at_r']:.4f}"
    return line


def _protocol(options: argparse.Namespace) -> Protocol:
    from mlcore.models.backbones import local_architecture

    chosen = preset(options.preset)
    if options.protocol:
        chosen = Protocol.from_json(json.loads(options.protocol.read_text()))
    changes: dict[str, object] = dict(pair(text) for text in options.set)
    if options.weights and chosen.weights != "scratch":
        changes = {"weights": "local", "backbone": local_architecture(options.weights), **changes}
    return chosen.with_changes(**changes)
