"""The training of one run under its protocol: deterministic and resumable."""

import json
import os
import shutil
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mlcore.artifacts import published, refuse_existing, write_json
from mlcore.datasets import DatasetFolder
from mlcore.evaluation.further import measure_further, write_further
from mlcore.evaluation.near_duplicates import near_duplicates
from mlcore.evaluation.results import measure_rows
from mlcore.events import Event
from mlcore.images.preprocessing import check_scaling
from mlcore.inference.encode import Encoder, cached_features, embed_rows, open_pixels
from mlcore.inference.model_files import write_model
from mlcore.networks.backbones import BackboneSpec, load_backbone
from mlcore.networks.embedder import Embedder, start_head_from_pca
from mlcore.runs import RunSpec, write_embeddings
from mlcore.training.cost import cost_of
from mlcore.training.distributed import ALONE, ProcessGroup, require_shareable
from mlcore.training.run_data import RunData
from mlcore.training.setup import RunPaths, TrainingCallbacks, TrainingSetup
from mlcore.training.trainer import Trainer

__all__ = ["RunPaths", "TrainingCallbacks", "train"]

BASELINE_PCA_DIM = 512


def train(
    spec: RunSpec,
    dataset: DatasetFolder,
    paths: RunPaths,
    *,
    weights: Path | None = None,
    callbacks: TrainingCallbacks | None = None,
    group: ProcessGroup = ALONE,
) -> dict[str, Any]:
    """Train, measure and embed one run into `paths.out`; return its metrics.

    A run that was stopped or killed resumes after its last complete epoch and ends with the same weights
    as if it had not been. `weights` is the file of a protocol with local weights. The callbacks receive
    `progress`, `epoch` (docs/training.md lists its keys) and `metrics` events.
    Of several processes the first embeds, measures and writes; the others return no metrics.

    Raises:
        FileExistsError: `paths.out` is already there.
        Stopped: the callbacks said so; the last complete epoch is stored.
        TrainingError: the loss was not finite, or a step ran out of memory; the message says which batch fits.
        DatasetError, WeightsError, CheckpointError, ProtocolError: as they say.
    """
    spec, callbacks = spec.checked(), callbacks or TrainingCallbacks()
    require_shareable(spec.protocol, group)
    refuse_existing(paths.out)  # now, not when all the work is done
    make_deterministic(spec.seed)
    protocol = spec.protocol
    backbone, described = group.main_first(
        lambda: load_backbone(protocol.backbone, protocol.weights, weights, protocol.crop)
    )
    check_scaling(described.mean, described.std)
    preprocessing = described.preprocessing(protocol.short_side, protocol.crop)
    cache = group.main_first(lambda: open_pixels(preprocessing, dataset, paths.cache, callbacks.progress))
    data = RunData.of(spec, dataset, cache)
    encoder = group.main_first(lambda: _build_encoder(spec, data, (backbone, described), paths.cache, callbacks))
    setup = TrainingSetup(spec=spec, data=data, encoder=encoder, paths=paths, callbacks=callbacks, group=group)
    history = [] if spec.is_baseline else Trainer(setup).fit()
    if not group.is_main:
        return {}
    metrics = _publish(setup, history)
    shutil.rmtree(paths.work, ignore_errors=True)
    callbacks.on_event(cast(Event, {"event": "metrics", **metrics}))
    return metrics


def make_deterministic(seed: int) -> None:
    """Let torch draw from that seed and use only what repeats bit by bit."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)


def _build_encoder(
    spec: RunSpec, data: RunData, loaded: tuple[nn.Module, BackboneSpec], cache: Path, callbacks: TrainingCallbacks
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
        features = cached_features(
            encoder, data.dataset, data.cache, cache, callbacks.progress, engine=protocol.feature_engine
        )
        start_head_from_pca(embedder, features[data.train_rows])
    return encoder


def _publish(setup: TrainingSetup, history: list[Event]) -> dict[str, Any]:
    """Embed every picture, measure, and let the finished folder appear; return the metrics."""
    spec, data, encoder, paths = setup.spec, setup.data, setup.encoder, setup.paths
    encoder.embedder.eval()
    dataset, rows, progress = data.dataset, data.measured_rows, setup.callbacks.progress
    embeddings = _embed_all(setup)
    progress("measure", 0, 1)
    duplicates = near_duplicates(dataset, data.cache, (rows, data.train_rows), paths.cache, progress)
    measured = measure_rows(embeddings[rows], dataset, rows, measured_on=spec.measured_on)
    measured = measured.of_training(history, duplicates)
    # A trial of a tuning is measured on validation classes by its one metric.
    is_final = spec.measured_on == "test"
    further = measure_further(embeddings, dataset, rows, data.train_rows, progress) if is_final else None
    with published(paths.out) as folder:
        write_model(folder, encoder, spec, dataset)
        write_embeddings(folder, embeddings, dataset)
        measured.store(folder)
        if further is not None:
            write_further(folder, further)
        lines = [json.dumps(event, sort_keys=True) + "\n" for event in history]
        (folder / "history.jsonl").write_text("".join(lines))
        write_json(folder / "cost.json", cost_of(history, encoder.device))
    return measured.metrics


def _embed_all(setup: TrainingSetup) -> NDArray[np.float32]:
    """Embed every picture of the data set; a backbone that did not learn gives its cached features."""
    data, encoder, progress = setup.data, setup.encoder, setup.callbacks.progress
    if setup.spec.is_baseline or setup.protocol.trains == "head":
        engine = setup.protocol.feature_engine
        features = cached_features(encoder, data.dataset, data.cache, setup.paths.cache, progress, engine=engine)
        return encoder.embed_features(features)
    return embed_rows(encoder, data.cache, np.arange(len(data.cache)), progress)
