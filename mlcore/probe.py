"""Time a few real steps of a protocol on a data set, and what stands around them; `mlcore.estimate` reckons."""

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch

from mlcore.batches import Rows, RunData
from mlcore.checkpoint import save_checkpoint
from mlcore.config import Protocol
from mlcore.datasets import DatasetFolder, PixelCache, cache_folder
from mlcore.encode import Encoder, Floats, embed_rows, features_folder, open_pixels
from mlcore.epoch_figures import EpochFigures
from mlcore.estimate import Rates
from mlcore.events import Progress, no_progress
from mlcore.index import build_index
from mlcore.learning import prepare_for_epoch
from mlcore.losses import LOSSES, build_loss
from mlcore.losses.samplers import epoch_batches
from mlcore.measurement import measure_rows
from mlcore.models.backbones import load_backbone
from mlcore.models.embedder import Embedder, start_head_from_pca
from mlcore.near_duplicates import find_near_duplicates
from mlcore.runs import RunSpec
from mlcore.train import make_deterministic
from mlcore.trainer import Listener, Trainer, Workplace

SAMPLE = 64  # pictures that are decoded
TIMED = 5  # steps, after one to warm up
LONGEST_STEP = 4.0  # seconds; of a larger batch a part is timed
MOST_ROWS = 1500  # that are measured or indexed; more are reckoned from these
LOSS = "multi_similarity"  # drives the timed steps, and is then taken off them
PHASES = ("load", "decode", "measure", "index", "losses", "train")


def probe(
    protocol: Protocol,
    dataset: DatasetFolder,
    cache: Path,
    *,
    weights: Path | None = None,
    begun: float | None = None,
    progress: Progress = no_progress,
) -> Rates:
    """Measure what the trainings of a protocol cost here; nothing is kept but the answer.

    begun: by time.perf_counter(), when the process began to load its libraries.

    Raises:
        DatasetError, WeightsError: as training does.
    """
    begun = time.perf_counter() if begun is None else begun

    def now(phase: str) -> None:
        progress(phase, PHASES.index(phase), len(PHASES))

    now("load")
    make_deterministic(0)
    encoder = _encoder(protocol, weights)
    load = time.perf_counter() - begun
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".probe-", dir=cache) as folder:
        place = Workplace(Path(folder) / "out", Path(folder) / "work", Path(folder))
        now("decode")
        sample = _sample_of(dataset)
        decoding = _timed(lambda: open_pixels(encoder.preprocessing, sample, place.cache))
        pixels = open_pixels(encoder.preprocessing, sample, place.cache)
        spec = RunSpec(protocol=protocol, loss=LOSS, fold=0 if protocol.folds else None)
        data = RunData.of(spec, dataset, pixels.repeated(len(dataset.pictures)))
        feature = _median_of(lambda: embed_rows(encoder, pixels, np.arange(len(pixels)))) / len(pixels)
        now("measure")
        measure = _reckoned(partial(_measure, dataset, data.measured_rows, protocol.dim), len(data.measured_rows))
        now("index")
        index = _reckoned(partial(_index, place.cache, dataset, protocol.dim), len(dataset.pictures))
        now("losses")
        losses = _losses(spec, data, encoder)
        now("train")
        features = _features(protocol, data, encoder)
        head_start = 0.0
        if features is not None:
            head_start = _timed(partial(start_head_from_pca, encoder.embedder, features[data.train_rows]))
        trainer = Trainer(spec, data, encoder, place, Listener(), features=features)
        steps = {phase: _seconds_a_step(trainer, epoch) for phase, epoch in (("rests", 1), ("moves", protocol.epochs))}
        return Rates(
            pictures=len(dataset.pictures),
            load=load,
            decode=decoding / len(sample.pictures),
            feature=feature,
            head_start=head_start,
            step=max(0.0, steps["moves"] - losses[LOSS]),
            resting_step=max(0.0, steps["rests"] - losses[LOSS]),
            epoch=_epoch(trainer, protocol, data, feature),
            measure=measure,
            duplicates=_duplicates(pixels) * (len(data.measured_rows) + len(data.train_rows)),
            index=index,
            steps={sampler: len(_plan(spec, data, sampler)) for sampler in ("random", "balanced")},
            losses=losses,
            pixels=cache_folder(dataset, protocol.short_side, cache, encoder.preprocessing.interpolation).name,
            features={
                pooling: features_folder(_pooled(protocol, weights, pooling), dataset, cache).name
                for pooling in {"average", protocol.pooling}
            },
        )


def _encoder(protocol: Protocol, weights: Path | None, pooling: str = "") -> Encoder:
    backbone, described = load_backbone(protocol.backbone, protocol.weights, weights, protocol.crop)
    embedder = Embedder(backbone, described, pooling or protocol.pooling, protocol.dim)
    return Encoder(embedder, described.preprocessing(protocol.short_side, protocol.crop))


def _pooled(protocol: Protocol, weights: Path | None, pooling: str) -> Encoder:
    """Return the encoder as seed 0 begins with it, whose features may be in the cache."""
    make_deterministic(0)
    return _encoder(protocol, weights, pooling)


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _median_of(work: Callable[[], object], times: int = 3) -> float:
    """Return the median seconds of some work, after one time to warm up."""
    work()
    return median(_timed(work) for _ in range(times))


def _sample_of(dataset: DatasetFolder) -> DatasetFolder:
    """Return a few pictures from all over the data set."""
    places = np.unique(np.linspace(0, len(dataset.pictures) - 1, SAMPLE).astype(int))
    pictures = tuple(dataset.pictures[place] for place in places)
    return replace(dataset, pictures=pictures, fingerprint=f"probe-{dataset.fingerprint[:8]}")


def _reckoned(seconds_of: Callable[[int], float], total: int) -> float:
    """Return the seconds for all rows: measured, or where they are many, prolonged from two smaller counts."""
    if total <= MOST_ROWS:
        return seconds_of(total)
    half, whole = seconds_of(MOST_ROWS // 2), seconds_of(MOST_ROWS)
    growth = min(2.0, max(1.0, math.log2(whole / half)))  # linear to quadratic
    return whole * float(total / MOST_ROWS) ** growth


def _clustered(labels: Rows, dim: int) -> Floats:
    """Return embeddings [N, dim] much like trained ones: without structure an index would be built again and again."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((int(labels.max()) + 1, dim), np.float32)
    values = centres[labels] + 0.7 * random.standard_normal((len(labels), dim), np.float32)
    unit: Floats = values / np.linalg.norm(values, axis=1, keepdims=True)
    return unit


def _measure(dataset: DatasetFolder, rows: Rows, dim: int, count: int) -> float:
    some = rows[np.argsort(dataset.labels[rows], kind="stable")][:count]  # whole classes
    embeddings = _clustered(dataset.labels[some], dim)
    return _timed(lambda: measure_rows(embeddings, dataset, some))


def _index(folder: Path, dataset: DatasetFolder, dim: int, count: int) -> float:
    embeddings = _clustered(dataset.labels[:count], dim)
    build = partial(build_index, folder / f"index-{count}", model_sha256="", preprocessing={})
    return _timed(lambda: build(embeddings, dataset.ids[:count]))


def _plan(spec: RunSpec, data: RunData, sampler: str) -> list[Rows]:
    protocol = spec.protocol
    return epoch_batches(
        sampler,
        data.labels,
        batches=protocol.batches_per_epoch,
        batch_size=protocol.batch_size,
        samples_per_class=protocol.samples_per_class,
        seed=spec.seed,
        epoch=1,
    )


def _losses(spec: RunSpec, data: RunData, encoder: Encoder) -> dict[str, float]:
    """Return the seconds of every loss and its proxies in one batch, without a network."""
    place, dim = encoder.device, spec.protocol.dim
    plans = {sampler: _plan(spec, data, sampler)[0] for sampler in ("random", "balanced")}
    found = {}
    for name, known in LOSSES.items():
        loss = build_loss(name, num_classes=int(data.labels.max()) + 1, dim=dim).to(place)
        labels = torch.from_numpy(data.labels[plans[known.sampler]]).to(place)
        embeddings = torch.randn(len(labels), dim, device=place, requires_grad=True)
        optimizer = torch.optim.AdamW([embeddings, *loss.parameters()])

        def step(loss: torch.nn.Module = loss, labels: torch.Tensor = labels) -> None:
            optimizer.zero_grad(set_to_none=True)  # noqa: B023  # done before the next turn
            loss(embeddings, labels).backward()  # noqa: B023
            optimizer.step()  # noqa: B023

        found[name] = _median_of(step)
    return found


def _features(protocol: Protocol, data: RunData, encoder: Encoder) -> Floats | None:
    """Return features [N, F] of noise where a head starts from features: what they are makes no step slower."""
    if protocol.trains != "head" and protocol.head_init != "half-whitened-pca":
        return None
    length = encoder.features_of_pixels(np.zeros((1, protocol.crop, protocol.crop, 3), np.uint8)).shape[1]
    return np.random.default_rng(0).standard_normal((len(data.dataset.pictures), length), np.float32)


def _seconds_a_step(trainer: Trainer, epoch: int) -> float:
    """Return the median seconds of a step of that epoch, its crops included."""
    prepare_for_epoch(trainer.protocol, trainer.embedder, epoch)
    plan = trainer.batches.plan(epoch)
    least = 2 * trainer.protocol.samples_per_class
    first = max(_steps(trainer, [plan[0][:least]] * 2, epoch)[1:])
    fitting = max(least, int(least * LONGEST_STEP / first))
    timed = _steps(trainer, [batch[:fitting] for batch in (plan * (TIMED + 1))[: TIMED + 1]], epoch)[1:]
    return median(timed) * max(1.0, len(plan[0]) / fitting)


def _steps(trainer: Trainer, plan: list[Rows], epoch: int) -> list[float]:
    seconds, begun = [], time.perf_counter()
    for inputs, labels in trainer.batches.loaded(plan, epoch):
        trainer.step(inputs, labels, 0.5, EpochFigures(len(plan)))
        seconds.append(time.perf_counter() - begun)
        begun = time.perf_counter()
    return seconds


def _epoch(trainer: Trainer, protocol: Protocol, data: RunData, feature: float) -> float:
    """Return the seconds that an epoch takes besides its steps: its plan, its checkpoint, validation."""
    keeper = trainer.keeper
    around = _timed(lambda: trainer.batches.plan(1))
    around += _median_of(lambda: save_checkpoint(keeper.folder, 1, keeper.modules, keeper.optimizer, {}), times=1)
    if protocol.selection != "validation":
        return around
    rows = data.validation_rows
    embedding = 0 if trainer.batches.features is not None else len(rows) * feature
    return around + embedding + _reckoned(partial(_measure, data.dataset, rows, protocol.dim), len(rows))


def _duplicates(pixels: PixelCache) -> float:
    """Return the seconds that the search for near-duplicates spends on one picture."""
    rows = np.arange(len(pixels))
    middle = len(rows) // 2
    return _timed(lambda: find_near_duplicates(pixels, rows[:middle], rows[middle:])) / len(rows)
