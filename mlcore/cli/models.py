"""The commands on models: embed, index, search, and import external ones."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.cli.arguments import add_child, add_command, add_data
from mlcore.cli.terminal import Bar, emit
from mlcore.errors import StaleIndexError, Stopped
from mlcore.events import Progress
from mlcore.process_signals import die_with_parent, stop_on_signal

if TYPE_CHECKING:
    from mlcore.external.deadline import Deadline


def add_commands(commands: Any) -> None:
    """Declare `embed`, `index`, `search`, `add-model` and `add-embeddings`."""
    embed = add_command(commands, "embed", _embed, "embed a data set with a trained model")
    embed.add_argument("--model", type=Path, required=True, help="folder of a run")
    add_data(embed)
    embed.add_argument("--out", type=Path, required=True, help="new folder of the embeddings")
    index = add_command(commands, "index", _index, "build an HNSW index and check it against exact search")
    index.add_argument("--model", type=Path, required=True, help="folder of a run")
    index.add_argument("--embeddings", type=Path, help="folder made by embed (default: the model's own)")
    index.add_argument("--out", type=Path, required=True, help="new folder of the index")
    search = add_command(commands, "search", _search, "find pictures similar to one")
    search.add_argument("picture", type=Path, help="image file to search with")
    search.add_argument("--model", type=Path, required=True, help="folder of the run whose index it is")
    search.add_argument("--index", type=Path, required=True, help="folder made by index")
    search.add_argument("--k", type=int, default=10, help="number of results (default: 10)")
    _add_external_commands(commands)


def _add_external_commands(commands: Any) -> None:
    model = add_command(
        commands, "add-model", _add_model, "import an external model: check it, measure it and store it"
    )
    model.add_argument(
        "--weights", type=Path, required=True, help=".onnx or .safetensors file with its .json beside it"
    )
    add_data(model)
    model.add_argument("--out", type=Path, required=True, help="new folder, like that of a run")
    model.add_argument(
        "--start-seconds", type=float, default=0, help="seconds to load and try the model; 0 = no limit (default: 0)"
    )
    model.add_argument("--batch-seconds", type=float, default=0, help="seconds for a batch; 0 = no limit (default: 0)")
    add_child(model)
    embeddings = add_command(
        commands, "add-embeddings", _add_embeddings, "import external embeddings: measure and store them"
    )
    embeddings.add_argument(
        "--embeddings", type=Path, required=True, help=".npy file, one row per picture of the data set"
    )
    embeddings.add_argument(
        "--images",
        type=Path,
        required=True,
        help="CSV or TSV with a column 'path' or 'sha256', rows in the same order",
    )
    embeddings.add_argument("--data", type=Path, required=True, help="folder of an imported data set")
    embeddings.add_argument("--out", type=Path, required=True, help="new folder, like that of a run, without a network")
    embeddings.add_argument("--name", default="", help="name in lists and reports (default: that of the file)")
    add_child(embeddings)


def _embed(options: argparse.Namespace) -> Any:
    import numpy as np

    from mlcore.artifacts import published, write_json
    from mlcore.datasets import load_dataset
    from mlcore.inference.encode import embed_rows, open_pixels
    from mlcore.inference.model_files import load_encoder
    from mlcore.runs import write_embeddings

    encoder, dataset, bar = load_encoder(options.model), load_dataset(options.data), Bar()
    cache = open_pixels(encoder.preprocessing, dataset, options.cache, bar)
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
    from mlcore.runs import read_ids

    model, gallery = read_json(options.model / "model.json"), options.embeddings or options.model
    if options.embeddings and read_json(gallery / "embeddings.json")["model_sha256"] != model["weights_sha256"]:
        raise StaleIndexError(f"{gallery} was embedded by another model than {options.model}; embed again")
    manifest = build_index(
        options.out,
        np.load(gallery / "embeddings.npy", mmap_mode="r", allow_pickle=False),
        read_ids(gallery),
        model_sha256=model["weights_sha256"],
        preprocessing=model["preprocessing"],
        progress=Bar(),
    )
    return manifest.to_json()


def _search(options: argparse.Namespace) -> Any:
    from mlcore.images.image_io import open_picture
    from mlcore.index import load_index
    from mlcore.inference.model_files import load_encoder

    encoder = load_encoder(options.model)
    index = load_index(options.index, model_sha256=encoder.weights_sha256)
    query = encoder.embed([open_picture(options.picture.read_bytes())])
    ids, scores = index.search(query, options.k)
    return [
        {"rank": rank, "id": int(picture), "similarity": round(float(score), 6)}
        for rank, (picture, score) in enumerate(zip(ids[0], scores[0], strict=True), 1)
    ]


def _add_model(options: argparse.Namespace) -> Any:
    progress = _progress(options)
    from mlcore.datasets import load_dataset
    from mlcore.external.external_models import add_model

    dataset, deadline = load_dataset(options.data), _deadline(options)
    metrics = add_model(options.weights, dataset, options.out, options.cache, progress, deadline=deadline)
    return None if options.events else metrics


def _deadline(options: argparse.Namespace) -> "Deadline | None":
    """Return the deadline of loading and of a batch; None without limits."""
    from mlcore.external.deadline import Deadline

    def give_up(reason: str) -> None:
        if options.events:
            emit({"event": "error", "message": reason})
        print(f"error: {reason}", file=sys.stderr, flush=True)
        os._exit(1)

    if not (options.start_seconds and options.batch_seconds):
        return None
    return Deadline(options.start_seconds, options.batch_seconds, give_up)


def _add_embeddings(options: argparse.Namespace) -> Any:
    progress = _progress(options)
    from mlcore.datasets import load_dataset
    from mlcore.external.external_embeddings import add_embeddings

    dataset = load_dataset(options.data)
    progress("measure", 0, 1)
    metrics = add_embeddings(options.embeddings, options.images, dataset, options.out, options.name)
    return None if options.events else metrics


def _progress(options: argparse.Namespace) -> Progress:
    """Return the progress callback: a bar, or events for the parent process, which may stop this one."""
    if options.child:
        die_with_parent()
    if not options.events:
        return Bar()
    should_stop = stop_on_signal()

    def report(phase: str, done: int, total: int) -> None:
        if should_stop():
            raise Stopped("stopped by a signal; nothing is stored")
        emit({"event": "progress", "phase": phase, "done": done, "total": total})

    return report
