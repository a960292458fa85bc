"""Train one run under its protocol: deterministic, resumable, and stopped without loss."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mlcore.artifacts import published, refuse_existing, write_json
from mlcore.datasets import DatasetFolder
from mlcore.evaluation.measurement import measure_rows
from mlcore.evaluation.near_duplicates import near_duplicates
from mlcore.inference.encode import Encoder, cached_features, embed_rows, open_pixels
from mlcore.inference.model_files import write_model
from mlcore.networks.backbones import BackboneSpec, load_backbone
from mlcore.networks.embedder import Embedder, start_head_from_pca
from mlcore.runs import RunSpec, write_embeddings
from mlcore.training.batches import RunData
from mlcore.training.checkpointing import Event
from mlcore.training.cost import cost_of
from mlcore.training.distributed import ALONE, World, require_shareable
from mlcore.training.trainer import Listener, Trainer, Workplace

__all__ = ["Listener", "Workplace", "train"]

BASELINE_PCA_DIM = 512


def train(
    spec: RunSpec,
    dataset: DatasetFolder,
    place: Workplace,
    *,
    weights: Path | None = None,
    listener: Listener | None = None,
    world: World = ALONE,
) -> dict[str, Any]:
    """Train, measure and embed one run into `place.out`; return its metrics.

    A run that was stopped or killed goes on from its last whole epoch and ends with the same weights
    as if it had not been. `weights` is the file of a protocol with local weights. The listener hears
    `progress`, `epoch` (docs/training.md says what is in it) and `metrics` events.
    Of several processes the first embeds, measures and writes; the others return no metrics.

    Raises:
        FileExistsError: `place.out` is already there.
        Stopped: the listener asked for it; the last whole epoch is kept.
        TrainingError: the loss was not finite, or a step ran out of memory; the message says which batch fits.
        DatasetError, WeightsError, CheckpointError, ProtocolError: as they say.
    """
    spec, listener = spec.checked(), listener or Listener()
    require_shareable(spec.protocol, world)
    refuse_existing(place.out)  # now, not when all the work is done
    make_deterministic(spec.seed)
    protocol = spec.protocol
    backbone, described = world.first_then_all(
        lambda: load_backbone(protocol.backbone, protocol.weights, weights, protocol.crop)
    )
    preprocessing = described.preprocessing(protocol.short_side, protocol.crop)
    cache = world.first_then_all(lambda: open_pixels(preprocessing, dataset, place.cache, listener.progress))
    data = RunData.of(spec, dataset, cache)
    encoder = world.first_then_all(lambda: _build_encoder(spec, data, (backbone, described), place.cache, listener))
    history = [] if spec.is_baseline else Trainer(spec, data, encoder, place, listener, world=world).fit()
    if not world.is_first:
        return {}
    metrics = _publish(spec, data, encoder, place, history=history, listener=listener)
    shutil.rmtree(place.work, ignore_errors=True)
    listener.on_event({"event": "metrics", **metrics})
    return metrics


def make_deterministic(seed: int) -> None:
    """Let torch draw from that seed and use only what repeats bit by bit."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)


def _build_encoder(
    spec: RunSpec, data: RunData, loaded: tuple[nn.Module, BackboneSpec], cache: Path, listener: Listener
) -> Encoder:
    """Build the network as it stands before the first epoch.

    A baseline pools by average whatever the protocol says: it is the backbone as it is known.
    """
    protocol, (backbone, described) = spec.protocol, loaded
    whitened = spec.loss == "half_whitened_pca" or (not spec.is_baseline and protocol.head_init == "half-whitened-pca")
    dim: int | None = protocol.dim
    if spec.is_baseline:
        limit = min(BASELINE_PCA_DIM, len(data.train_rows) - 1, int(backbone.num_features))  # type: ignore[arg-type]
        dim = limit if whitened else None
    embedder = Embedder(backbone, described, "average" if spec.is_baseline else protocol.pooling, dim)
    encoder = Encoder(embedder, described.preprocessing(protocol.short_side, protocol.crop))
    if whitened:
        features = cached_features(encoder, data.dataset, data.cache, cache, listener.progress)
        start_head_from_pca(embedder, features[data.train_rows])
    return encoder


def _publish(
    spec: RunSpec,
    data: RunData,
    encoder: Encoder,
    place: Workplace,
    *,
    history: list[Event],
    listener: Listener,
) -> dict[str, Any]:
    """Embed every picture, measure, and let the finished folder appear; return the metrics."""
    encoder.embedder.eval()
    dataset, rows = data.dataset, data.measured_rows
    embeddings = _embed_all(spec, data, encoder, place.cache, listener)
    listener.progress("measure", 0, 1)
    found = near_duplicates(dataset, data.cache, (rows, data.train_rows), place.cache, listener.progress)
    measured = measure_rows(embeddings[rows], dataset, rows, measured_on=spec.measured_on).of_training(history, found)
    with published(place.out) as folder:
        write_model(folder, encoder, spec, dataset)
        write_embeddings(folder, embeddings, dataset)
        measured.store(folder)
        lines = [json.dumps(event, sort_keys=True) + "\n" for event in history]
        (folder / "history.jsonl").write_text("".join(lines))
        write_json(folder / "cost.json", cost_of(history, encoder.device))
    return measured.metrics


def _embed_all(spec: RunSpec, data: RunData, encoder: Encoder, cache: Path, listener: Listener) -> NDArray[np.float32]:
    """Embed every picture of the data set; a backbone that did not learn gives its cached features."""
    if spec.is_baseline or spec.protocol.trains == "head":
        features = cached_features(encoder, data.dataset, data.cache, cache, listener.progress)
        return encoder.embed_features(features)
    return embed_rows(encoder, data.cache, np.arange(len(data.cache)), listener.progress)
