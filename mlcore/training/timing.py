"""StepTimes measured by a few real steps of a protocol on a data set; `estimate` extrapolates them."""

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypedDict

import numpy as np

from mlcore.config import Protocol
from mlcore.datasets import DatasetFolder, PixelCache, cache_folder
from mlcore.evaluation.further import MOST_QUERIES, measure_further
from mlcore.evaluation.near_duplicates import find_near_duplicates
from mlcore.evaluation.results import measure_rows
from mlcore.events import Progress, no_progress
from mlcore.index import build_index
from mlcore.inference.encode import (
    Encoder,
    Floats,
    feature_network,
    features_folder,
    features_of_cache,
    open_pixels,
)
from mlcore.networks.backbones import load_backbone
from mlcore.networks.embedder import Embedder
from mlcore.runs import RunSpec
from mlcore.training.estimate import StepTimes
from mlcore.training.run_data import Rows, RunData
from mlcore.training.setup import RunPaths, TrainingSetup
from mlcore.training.step_timing import LOSS, median_of, seconds_of_training, timed
from mlcore.training.train import make_deterministic

SAMPLE = 64  # pictures that are decoded
MOST_ROWS = 1500  # that are measured or indexed; more are extrapolated from these
PHASES = ("load", "decode", "measure", "train")


class NamesInCache(TypedDict):
    """The folders of the cache that, once there, save work; features: by pooling."""

    pixels: str
    features: dict[str, str]


class SecondsAround(TypedDict):
    """The seconds of what stands around the steps: see StepTimes."""

    feature: float
    measure: float
    index: float
    duplicates: float


def measure_step_times(
    protocol: Protocol,
    dataset: DatasetFolder,
    cache: Path,
    *,
    weights: Path | None = None,
    begun: float | None = None,
    progress: Progress = no_progress,
) -> StepTimes:
    """Measure what the trainings of a protocol cost here; nothing is kept but the answer.

    begun: by time.perf_counter(), when the process began to load its libraries.

    Raises:
        DatasetError, WeightsError: as training does.
    """
    begun = time.perf_counter() if begun is None else begun
    now = {phase: partial(progress, phase, step, len(PHASES)) for step, phase in enumerate(PHASES)}
    now["load"]()
    make_deterministic(0)
    encoder = _encoder(protocol, weights)
    load = time.perf_counter() - begun
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".timing-", dir=cache) as folder:
        paths = RunPaths(Path(folder) / "out", Path(folder) / "work", Path(folder))
        now["decode"]()
        sample = _sample_of(dataset)
        decoding = timed(lambda: open_pixels(encoder.preprocessing, sample, paths.cache))
        pixels = open_pixels(encoder.preprocessing, sample, paths.cache)
        spec = RunSpec(protocol=protocol, loss=LOSS, fold=0 if protocol.folds else None)
        data = RunData.of(spec, dataset, pixels.repeated(len(dataset.pictures)))
        setup = TrainingSetup(spec=spec, data=data, encoder=encoder, paths=paths)
        now["measure"]()
        around = _seconds_around(setup, pixels)
        now["train"]()
        training = seconds_of_training(setup)
        training["epoch"] += _seconds_of_validation(setup, around["feature"])
        names = _names_in_cache(protocol, dataset, cache, weights)
        return StepTimes(
            pictures=len(dataset.pictures), load=load, decode=decoding / len(pixels), **around, **training, **names
        )


def _encoder(protocol: Protocol, weights: Path | None, pooling: str = "") -> Encoder:
    backbone, described = load_backbone(protocol.backbone, protocol.weights, weights, protocol.crop)
    embedder = Embedder(backbone, described, pooling or protocol.pooling, protocol.dim)
    return Encoder(embedder, described.preprocessing(protocol.short_side, protocol.crop))


def _names_in_cache(protocol: Protocol, dataset: DatasetFolder, cache: Path, weights: Path | None) -> NamesInCache:
    """Return the folders that hold pixels and, by pooling, features as a run of seed 0 begins with."""
    features = {}
    for pooling in {"average", protocol.pooling}:
        make_deterministic(0)
        encoder = _encoder(protocol, weights, pooling)
        features[pooling] = features_folder(encoder, dataset, cache, protocol.feature_engine).name
    pixels = cache_folder(dataset, protocol.short_side, cache, encoder.preprocessing.interpolation)
    return {"pixels": pixels.name, "features": features}


def _seconds_around(setup: TrainingSetup, pixels: PixelCache) -> SecondsAround:
    """Return the fields of StepTimes that tell of what stands around the steps."""
    data, dim, measured = setup.data, setup.protocol.dim, len(setup.data.measured_rows)
    measuring = _extrapolated(partial(_measure, data.dataset, data.measured_rows, dim), measured)
    network = feature_network(
        setup.encoder, setup.protocol.feature_engine if setup.protocol.trains == "head" else "torch"
    )
    return {
        "feature": median_of(lambda: features_of_cache(network, setup.encoder, pixels)) / len(pixels),
        "measure": measuring + seconds_of_further(data, dim),
        "index": _extrapolated(partial(_index, setup.paths.cache, data.dataset, dim), len(data.dataset.pictures)),
        "duplicates": _duplicates(pixels) * (len(data.measured_rows) + len(data.train_rows)),
    }


def seconds_of_further(data: RunData, dim: int) -> float:
    """Return the seconds of further metrics; they ask MOST_QUERIES at most, so beyond these their time is linear."""
    measured = len(data.measured_rows)
    seconds = _extrapolated(partial(_further, data, dim), min(measured, MOST_QUERIES))
    return seconds * max(1.0, measured / MOST_QUERIES)


def _seconds_of_validation(setup: TrainingSetup, feature: float) -> float:
    """Return what measuring the validation classes adds to an epoch, if they select."""
    if setup.protocol.selection != "validation":
        return 0.0
    rows = setup.data.validation_rows
    embedding = 0.0 if setup.protocol.trains == "head" else len(rows) * feature
    return embedding + _extrapolated(partial(_measure, setup.data.dataset, rows, setup.protocol.dim), len(rows))


def _sample_of(dataset: DatasetFolder) -> DatasetFolder:
    """Return a few pictures from all over the data set."""
    places = np.unique(np.linspace(0, len(dataset.pictures) - 1, SAMPLE).astype(int))
    pictures = tuple(dataset.pictures[paths] for paths in places)
    return replace(dataset, pictures=pictures, fingerprint=f"timing-{dataset.fingerprint[:8]}")


def _extrapolated(seconds_of: Callable[[int], float], total: int) -> float:
    """Return the seconds for all rows: measured, or for many rows extrapolated from two smaller counts."""
    if total <= MOST_ROWS:
        return seconds_of(total)
    half, whole = seconds_of(MOST_ROWS // 2), seconds_of(MOST_ROWS)
    growth = min(2.0, max(1.0, math.log2(whole / half)))  # linear to quadratic
    return whole * float((total / MOST_ROWS) ** growth)


def _clustered(labels: Rows, dim: int) -> Floats:
    """Return embeddings [N, dim] much like trained ones: without structure an index would be built again and again."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((int(labels.max()) + 1, dim), np.float32)
    values = centres[labels] + 0.7 * random.standard_normal((len(labels), dim), np.float32)
    unit: Floats = values / np.linalg.norm(values, axis=1, keepdims=True)
    return unit


def _whole_classes(dataset: DatasetFolder, rows: Rows, count: int) -> Rows:
    return rows[np.argsort(dataset.labels[rows], kind="stable")][:count]


def _measure(dataset: DatasetFolder, rows: Rows, dim: int, count: int) -> float:
    some = _whole_classes(dataset, rows, count)
    embeddings = _clustered(dataset.labels[some], dim)
    return timed(lambda: measure_rows(embeddings, dataset, some))


def _further(data: RunData, dim: int, count: int) -> float:
    embeddings, some = _clustered(data.dataset.labels, dim), _whole_classes(data.dataset, data.measured_rows, count)
    return timed(lambda: measure_further(embeddings, data.dataset, some, data.train_rows[:count]))


def _index(folder: Path, dataset: DatasetFolder, dim: int, count: int) -> float:
    embeddings = _clustered(dataset.labels[:count], dim)
    build = partial(build_index, folder / f"index-{count}", model_sha256="", preprocessing={})
    return timed(lambda: build(embeddings, dataset.ids[:count]))


def _duplicates(pixels: PixelCache) -> float:
    """Return the seconds that the search for near-duplicates spends on one picture."""
    rows = np.arange(len(pixels))
    middle = len(rows) // 2
    return timed(lambda: find_near_duplicates(pixels, rows[:middle], rows[middle:])) / len(rows)
