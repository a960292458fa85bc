"""The command line: everything that mlcore does, without a web site.

Every command takes --json for one JSON document on standard output; bars and messages go to standard
error. Errors that mlcore raises on purpose are one sentence and exit status 1.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.config import PRESETS, Protocol, preset
from mlcore.errors import MlcoreError, StaleIndexError, Stopped
from mlcore.events import Progress
from mlcore.losses import LOSSES

if TYPE_CHECKING:
    from mlcore.distributed import World

DEFAULT_CACHE = Path("var/cache")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 1 refused, 3 stopped as asked."""
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
    if result is not None:
        print(json.dumps(result, indent=1) if options.json else _readable(result))
    return 0


def _is_about_parameters(error: TypeError) -> bool:
    return "has no parameter" in str(error)


def _complain(options: argparse.Namespace, message: str, *, stopped: bool = False) -> None:
    # Of several processes the first alone speaks to who listens; its neighbours say theirs on standard error.
    if getattr(options, "events", None) and os.environ.get("RANK", "0") == "0":
        _emit({"event": "stopped" if stopped else "error", "message": message})
    print(f"error: {message}" if not stopped else message, file=sys.stderr)


def _emit(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


def _readable(result: Any) -> str:
    if isinstance(result, list):
        return "\n\n".join(_readable(row) for row in result)
    return "\n".join(f"{key:<22} {value}" for key, value in result.items())


class _Bar:
    """A progress bar on standard error; silent where that is not a terminal."""

    def __init__(self) -> None:
        self.bar: Any = None
        self.phase = ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if phase != self.phase:
            self.close()
            self.phase = phase
            self.bar = tqdm(total=total, desc=phase, disable=not sys.stderr.isatty(), leave=False)
        self.bar.n = done
        self.bar.refresh()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
        self.bar, self.phase = None, ""  # the same phase may come again, after a line about an epoch


def _datasets(options: argparse.Namespace) -> Any:
    from mlcore.datasets import import_pictures, open_source

    progress: Progress = _Bar()
    with open_source(options.source) as source:
        return import_pictures(source, options.out, progress).to_json()


def _losses(options: argparse.Namespace) -> Any:
    return [
        {
            "name": name,
            "title": spec.title,
            "family": spec.family,
            "paper": spec.paper,
            **{parameter: value.default for parameter, value in spec.parameters.items()},
        }
        for name, spec in LOSSES.items()
    ]


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
        params=dict(_pair(text) for text in options.param),
        seed=options.seed,
        measured_on=options.measured_on,
    )
    work = options.work or options.out.with_name(options.out.name + ".work")
    bar = _Bar()

    def report(event: dict[str, Any]) -> None:
        if options.events:
            _emit(event)
        elif event["event"] == "progress":
            bar(event["phase"], event["done"], event["total"])
        elif event["event"] == "epoch":
            bar.close()
            print(_epoch_line(event), file=sys.stderr)

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
    changes: dict[str, object] = dict(_pair(text) for text in options.set)
    if options.weights and chosen.weights != "scratch":
        changes = {"weights": "local", "backbone": local_architecture(options.weights), **changes}
    return chosen.with_changes(**changes)


def _pair(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"expected NAME=VALUE, got {text!r}")
    return name, value


def _evaluate(options: argparse.Namespace) -> Any:
    from mlcore.evaluate import measure, read_labelled

    embeddings, labels = read_labelled(options.embeddings, options.labels)
    return measure(
        embeddings, labels, clusters=options.clusters, ks=tuple(options.k), seed=options.seed, progress=_Bar()
    )


def _embed(options: argparse.Namespace) -> Any:
    import numpy as np

    from mlcore.artifacts import published, write_json
    from mlcore.datasets import load_dataset, open_cache
    from mlcore.encode import embed_rows
    from mlcore.model_files import load_encoder
    from mlcore.runs import write_embeddings

    encoder, dataset, bar = load_encoder(options.model), load_dataset(options.data), _Bar()
    cache = open_cache(dataset, encoder.preprocessing.short_side, options.cache, bar)
    embeddings = embed_rows(encoder, cache, np.arange(len(cache)), bar)
    with published(options.out) as folder:
        write_embeddings(folder, embeddings, dataset)
        write_json(folder / "embeddings.json", {"model_sha256": encoder.weights_sha256})
    bar.close()
    return {"pictures": len(embeddings), "dim": encoder.dim, "out": str(options.out)}


def _index(options: argparse.Namespace) -> Any:
    import numpy as np

    from mlcore.artifacts import read_json
    from mlcore.index import build_index
    from mlcore.preprocessing import Preprocessing
    from mlcore.runs import read_ids

    model, gallery = read_json(options.model / "model.json"), options.embeddings or options.model
    if options.embeddings and read_json(gallery / "embeddings.json")["model_sha256"] != model["weights_sha256"]:
        raise StaleIndexError(f"{gallery} was embedded by another model than {options.model}; embed again")
    manifest = build_index(
        options.out,
        np.load(gallery / "embeddings.npy", allow_pickle=False),
        read_ids(gallery),
        model_sha256=model["weights_sha256"],
        preprocessing=Preprocessing.from_json(model["preprocessing"]).to_json(),
        progress=_Bar(),
    )
    return manifest.to_json()


def _search(options: argparse.Namespace) -> Any:
    from mlcore.index import load_index
    from mlcore.model_files import load_encoder
    from mlcore.pictures import open_picture

    encoder = load_encoder(options.model)
    index = load_index(options.index, model_sha256=encoder.weights_sha256)
    query = encoder.embed([open_picture(options.picture.read_bytes())])
    ids, scores = index.search(query, options.k)
    return [
        {"rank": rank, "id": int(picture), "similarity": round(float(score), 6)}
        for rank, (picture, score) in enumerate(zip(ids[0], scores[0], strict=True), 1)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlcore", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_data_commands(commands)
    _add_train(commands)
    _add_model_commands(commands)
    return parser


def _add(commands: Any, name: str, command: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(command=command)
    return parser


def _add_data_commands(commands: Any) -> None:
    datasets = _add(commands, "datasets", _datasets, "import a data set into a folder and report on it")
    datasets.add_argument("source", help="folder, zip, tar, or wings[:species=60,per_class=24,size=128,seed=0]")
    datasets.add_argument("--out", type=Path, required=True, help="the new folder")
    _add(commands, "losses", _losses, "list the losses with family, paper and defaults")
    evaluate = _add(commands, "evaluate", _evaluate, "measure anybody's embeddings by exact search")
    evaluate.add_argument("--embeddings", type=Path, required=True, help=".npy, one row a picture")
    evaluate.add_argument("--labels", type=Path, required=True, help="CSV with a column 'label', rows in order")
    evaluate.add_argument("--k", type=int, nargs="+", default=[1, 2, 4, 8])
    evaluate.add_argument("--clusters", action="store_true", help="NMI and AMI as well")
    evaluate.add_argument("--seed", type=int, default=0)


def _add_train(commands: Any) -> None:
    train = _add(commands, "train", _train, "train one loss under a protocol, measure it, embed the data set")
    train.add_argument("--data", type=Path, required=True, help="an imported data set")
    train.add_argument("--out", type=Path, required=True, help="the new folder of the run")
    train.add_argument("--work", type=Path, help="checkpoints; kept when stopped (default: OUT.work)")
    train.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="decoded pictures, shared by runs")
    train.add_argument("--preset", default="fine-tune-small", help=f"one of {', '.join(PRESETS)}")
    train.add_argument("--protocol", type=Path, help="a JSON file instead of a preset")
    train.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="change the protocol")
    train.add_argument("--loss", required=True, help="see `losses`, or untrained or half_whitened_pca")
    train.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="the loss's own")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--weights", type=Path, help="local .safetensors with its .json beside it")
    train.add_argument("--measured-on", choices=("test", "validation"), default="test")
    train.add_argument("--threads", type=int, default=0, help="CPU threads (default: torch's choice)")
    train.add_argument("--events", choices=("jsonl",), help="one JSON event a line instead of bars")
    train.add_argument("--child", action="store_true", help="end when the parent process ends")


def _add_model_commands(commands: Any) -> None:
    embed = _add(commands, "embed", _embed, "embed a data set with a trained model")
    embed.add_argument("--model", type=Path, required=True, help="the folder of a run")
    embed.add_argument("--data", type=Path, required=True)
    embed.add_argument("--out", type=Path, required=True)
    embed.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    index = _add(commands, "index", _index, "build an HNSW index and check it against exact search")
    index.add_argument("--model", type=Path, required=True)
    index.add_argument("--embeddings", type=Path, help="a folder made by embed (default: the model's own)")
    index.add_argument("--out", type=Path, required=True)
    search = _add(commands, "search", _search, "find the pictures most like one")
    search.add_argument("picture", type=Path)
    search.add_argument("--model", type=Path, required=True)
    search.add_argument("--index", type=Path, required=True)
    search.add_argument("--k", type=int, default=10)
