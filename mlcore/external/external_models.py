"""External models: checked, measured and stored like a run."""

import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mlcore.artifacts import published, refuse_existing
from mlcore.datasets import DatasetFolder
from mlcore.errors import WeightsError
from mlcore.evaluation.further import measure_further, write_further
from mlcore.evaluation.results import measure_rows
from mlcore.events import Progress, no_progress
from mlcore.external.deadline import BoundedEncoder, Deadline
from mlcore.external.model_description import check_sizes, credits_of, preprocessing_of, read_model_json
from mlcore.inference.encode import Encoder, embed_rows, open_pixels
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.inference.model_files import (
    load_encoder,
    read_description,
    sample_pixels,
    write_description,
    write_network,
)
from mlcore.inference.onnx_network import OnnxEncoder
from mlcore.networks.backbones import evaluation_sizes, load_backbone
from mlcore.networks.embedder import Embedder
from mlcore.runs import WEIGHTS, write_embeddings
from mlcore.weights import describe_weights

SAME = 0.999
"""Least cosine between two embeddings of one picture."""


@dataclass(frozen=True)
class ExternalModel:
    """A model from a file, with what model.json says about it: kind, name, licence, how to build it."""

    file: Path
    encoder: PictureEncoder
    about: Mapping[str, Any]


def open_external_model(file: Path) -> ExternalModel:
    """Return the model in `file`, described by the JSON beside it, after trying what it computes.

    .onnx: the JSON says mean, std, short_side and crop, perhaps interpolation, output, name and licence.
    .safetensors: a timm backbone; the JSON says architecture, mean and std, perhaps arguments,
    interpolation, pooling (default: average), short_side and crop (default: timm's), name and licence.
    Or the model.* of a run's folder, with its model.json.

    Raises:
        WeightsError: a file is missing, says too little or is too large, the network cannot be opened, or
            does not compute one embedding for each picture.
        ProtocolError: the preprocessing or the pooling cannot be meant.
        CheckpointError: the folder of a run is damaged.
    """
    openers = {".onnx": _open_onnx, ".safetensors": _open_timm}
    if file.suffix not in openers:
        raise WeightsError(f"{file.name} is not a model: it must end in {' or '.join(openers)}")
    described = read_model_json(file)
    model = _open_run(file) if "weights_sha256" in described else openers[file.suffix](file, described)
    check_sizes(model.encoder.preprocessing.short_side, model.encoder.preprocessing.crop)
    check_encoder(model.encoder)
    return model


def add_model(
    file: Path,
    dataset: DatasetFolder,
    out: Path,
    cache: Path,
    progress: Progress = no_progress,
    *,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Check the model in `file`, embed and measure a data set with it, and store all in `out`; return its metrics.

    deadline: how long it may take to load and for a batch; by default as long as it likes.

    Raises:
        FileExistsError: `out` is already there.
        WeightsError, ProtocolError, CheckpointError: see `open_external_model`.
        DatasetError, MetricsError: the data set cannot be measured on.
    """
    refuse_existing(out)
    with deadline.for_start() if deadline else nullcontext():
        model = open_external_model(file)
    encoder = BoundedEncoder(model.encoder, deadline) if deadline else model.encoder
    pixels = open_pixels(encoder.preprocessing, dataset, cache, progress)
    embeddings = embed_rows(encoder, pixels, np.arange(len(pixels)), progress)
    rows = dataset.held_out
    measured = measure_rows(embeddings[rows], dataset, rows, progress=progress)
    further = measure_further(embeddings, dataset, rows, dataset.rows("train"), progress)
    with published(out) as folder:
        _write_weights(folder, model)
        write_description(folder, model.encoder, model.about, dataset)
        write_embeddings(folder, embeddings, dataset)
        measured.store(folder)
        write_further(folder, further)
    return measured.metrics


def check_encoder(encoder: PictureEncoder) -> None:
    """Try an encoder on a few pictures.

    Raises:
        WeightsError: an embedding is not finite, all are alike, or a picture's embedding is another the second
            time or in other company.
    """
    pixels = sample_pixels(encoder.preprocessing)
    together = encoder.embed_pixels(pixels)
    if not np.isfinite(together).all():
        raise WeightsError("the model gives embeddings that are not finite; it cannot be used")
    if np.ptp(together, axis=0).max() < 1e-6:
        raise WeightsError("the model gives the same embedding for different pictures; it cannot be used")
    again = encoder.embed_pixels(pixels)
    alone = np.concatenate([encoder.embed_pixels(pixels[row : row + 1]) for row in range(len(pixels))])
    for when, other in (("when it is embedded twice", again), ("when it is embedded alone", alone)):
        least = float((together * other).sum(axis=1).min())
        if not least >= SAME:
            raise WeightsError(
                f"the model gives a picture another embedding {when} (cosine {least:.4f}, at least {SAME} is needed); "
                "export it in evaluation mode"
            )


def _open_onnx(file: Path, described: Mapping[str, Any]) -> ExternalModel:
    preprocessing = preprocessing_of(described, file)
    data, output = file.read_bytes(), str(described.get("output", ""))
    encoder = OnnxEncoder(data, preprocessing, output=output, threads=torch.get_num_threads())
    return ExternalModel(file, encoder, {"kind": "onnx", "output": output, **credits_of(file, described)})


def _open_timm(file: Path, described: Mapping[str, Any]) -> ExternalModel:
    described = describe_weights(file)  # which also says what of a backbone's is missing
    architecture = str(described["architecture"])
    preprocessing = preprocessing_of({**evaluation_sizes(architecture), **described}, file)
    backbone, spec = load_backbone(architecture, "local", file, preprocessing.crop)
    embedder = Embedder(backbone, spec, str(described.get("pooling", "average")), None)
    about = {"kind": "timm", "embedder": embedder.to_json(), **credits_of(file, described)}
    return ExternalModel(file, Encoder(embedder, preprocessing), about)


def _open_run(file: Path) -> ExternalModel:
    description = read_description(file.parent)
    if file.name != WEIGHTS.get(description["kind"]):
        raise WeightsError(f"{file.name} is not the network of the run in {file.parent}")
    about = {key: description[key] for key in ("kind", "embedder", "output") if key in description}
    about |= credits_of(file, {"name": description.get("loss"), **description})
    return ExternalModel(file, load_encoder(file.parent), about)


def _write_weights(folder: Path, model: ExternalModel) -> None:
    if isinstance(model.encoder, Encoder):
        write_network(folder, model.encoder)
    else:
        shutil.copyfile(model.file, folder / WEIGHTS["onnx"])
