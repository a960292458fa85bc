"""Runs repeat, resume without a difference, and leave whole folders."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mlcore.artifacts import read_json
from mlcore.config import CHOICES
from mlcore.datasets import DatasetFolder, open_cache
from mlcore.datasets.catalogue import fingerprint_of
from mlcore.errors import Stopped, TrainingError, WeightsError
from mlcore.evaluation.evaluate import read_per_query
from mlcore.inference.encode import embed_rows
from mlcore.inference.model_files import load_encoder
from mlcore.losses import LOSSES, build_loss
from mlcore.networks.backbones import BackboneSpec, build_backbone
from mlcore.networks.embedder import half_whitened_pca
from mlcore.runs import RunSpec
from mlcore.training import trainer
from mlcore.training.checkpoint import latest_checkpoint
from mlcore.training.checkpointing import CheckpointManager
from mlcore.training.run_data import RunData
from mlcore.training.train import RunPaths, TrainingCallbacks, train
from tests.mlcore.tiny import (
    LOSSES_TO_RESUME,
    STEPS_PER_EPOCH,
    head_protocol,
    model_bytes,
    paths_in,
    stopping_after,
    tiny_protocol,
    tiny_spec,
)

TIMED = {"seconds", "images_per_second"}


def figures_of(folder: Path) -> list[dict[str, Any]]:
    """Return every epoch's event without what the clock says."""
    events = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    return [{key: value for key, value in event.items() if key not in TIMED} for event in events]


RESUMED = {
    **{loss: RunSpec(protocol=tiny_protocol(), loss=loss) for loss in LOSSES_TO_RESUME},
    "resnet10t, warm-up": RunSpec(
        protocol=tiny_protocol(backbone="resnet10t", warmup_epochs=1, batch_norm="frozen"), loss="soft_triple"
    ),
    "bfloat16": RunSpec(protocol=tiny_protocol(precision="bfloat16"), loss="soft_triple"),
    **{f"head, {loss}": RunSpec(protocol=head_protocol(), loss=loss) for loss in LOSSES},
    "memory": RunSpec(protocol=tiny_protocol(memory=20), loss="contrastive"),
    "memory, bfloat16": RunSpec(
        protocol=tiny_protocol(memory=20, memory_warmup_epochs=0, precision="bfloat16"), loss="triplet_hard"
    ),
    "memory, head": RunSpec(protocol=head_protocol(memory=100), loss="margin"),
    "memory, chosen on validation": RunSpec(
        protocol=head_protocol(memory=20, validation_classes=2, selection="validation", dim=8, batches_per_epoch=3),
        loss="multi_similarity",
    ),
    "nested": RunSpec(protocol=tiny_protocol(nested_from=4), loss="soft_triple"),
    "nested, memory": RunSpec(protocol=head_protocol(memory=100, nested_from=2), loss="margin"),
    "memory, folds": RunSpec(
        protocol=head_protocol(memory=20, folds=2, dim=8, batches_per_epoch=3), loss="nt_xent", fold=1
    ),
}


# A loss without proxies stores nothing that the network does not.
WITHOUT_PROXIES = {f"head, {name}" for name, spec in LOSSES.items() if not spec.has_proxies}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, id=name, marks=[pytest.mark.full] if name in WITHOUT_PROXIES else [])
        for name, spec in RESUMED.items()
    ],
)
def test_a_run_stopped_midway_and_resumed_ends_with_the_same_weights(
    spec: RunSpec, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    whole, part = (paths_in(tmp_path, cache_root, name) for name in ("whole", "part"))
    metrics = train(spec, wings, whole)
    with pytest.raises(Stopped, match="start it again to resume"):
        train(spec, wings, part, callbacks=stopping_after(STEPS_PER_EPOCH + 1))
    assert latest_checkpoint(part.work) == part.work / "epoch-1"
    assert not part.out.exists()
    heard: list[dict[str, Any]] = []
    assert train(spec, wings, part, callbacks=TrainingCallbacks(heard.append)) == metrics
    assert model_bytes(part.out) == model_bytes(whole.out)
    assert np.array_equal(np.load(part.out / "embeddings.npy"), np.load(whole.out / "embeddings.npy"))
    assert [event["epoch"] for event in heard if event["event"] == "epoch"] == [1, 2, 3]
    assert figures_of(part.out) == figures_of(whole.out)
    first_step = next(event for event in heard if event.get("phase") == "train")
    assert first_step["done"] == STEPS_PER_EPOCH, "the first epoch was not trained again"


def test_a_run_stopped_while_it_embeds_has_nothing_to_train_again(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    paths, phases = paths_in(tmp_path, cache_root), [""]

    def hear(event: dict[str, Any]) -> None:
        phases.append(event.get("phase", ""))

    with pytest.raises(Stopped):
        train(tiny_spec(), wings, paths, callbacks=TrainingCallbacks(hear, lambda: phases[-1] == "embed"))
    phases.clear()
    train(tiny_spec(), wings, paths, callbacks=TrainingCallbacks(hear))
    assert "train" not in phases and paths.out.exists()


@pytest.mark.parametrize(("loss", "same"), [("soft_triple", True), ("smooth_ap", True), ("contrastive", False)])
def test_only_a_loss_that_takes_a_memory_learns_otherwise_beside_one(
    loss: str, same: bool, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    models, events = [], []
    for size in (0, 12):
        paths = paths_in(tmp_path, cache_root, str(size))
        train(RunSpec(protocol=head_protocol(memory=size), loss=loss), wings, paths)
        models.append(model_bytes(paths.out))
        events.append(figures_of(paths.out))
    assert events[0][0] == events[1][0], "in the first epoch the memory rests"
    assert (models[0] == models[1]) == same and (events[0][1] == events[1][1]) == same


@pytest.mark.parametrize("loss", ["soft_triple", "multi_similarity", "normalized_softmax"])
def test_the_seed_alone_decides(loss: str, wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    weights = []
    for number, seed in enumerate((0, 0, 1)):
        torch.manual_seed(100 + number)  # what happened before must not matter
        paths = paths_in(tmp_path, cache_root, str(number))
        train(tiny_spec(loss, seed, epochs=1), wings, paths)
        weights.append(model_bytes(paths.out))
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_features_of_the_serving_engine_repeat_a_run_and_change_it_by_rounding_only(
    wings: DatasetFolder, tmp_path: Path
) -> None:
    spec = {
        engine: RunSpec(protocol=head_protocol(feature_engine=engine), loss="soft_triple")
        for engine in CHOICES["feature_engine"]
    }
    runs = [paths_in(tmp_path, tmp_path / cache, f"run-{cache}") for cache in ("first", "second", "torch")]
    for paths, engine in zip(runs, ("onnxruntime", "onnxruntime", "torch"), strict=True):
        train(spec[engine], wings, paths)
    first, second, by_torch = (np.load(paths.out / "embeddings.npy") for paths in runs)
    assert np.array_equal(first, second) and model_bytes(runs[0].out) == model_bytes(runs[1].out)
    assert 0 < np.abs(first - by_torch).max() < 1e-2


def test_a_run_leaves_a_whole_folder_and_no_work(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    paths, heard = paths_in(tmp_path, cache_root), []
    metrics = train(tiny_spec(), wings, paths, callbacks=TrainingCallbacks(heard.append))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
    assert sorted(path.name for path in paths.out.iterdir()) == [
        "cost.json",
        "diagnostics.json",
        "embeddings.npy",
        "further.json",
        "history.jsonl",
        "images.csv",
        "metrics.json",
        "model.json",
        "model.safetensors",
        "per_query.npz",
    ]
    assert read_json(paths.out / "metrics.json") == json.loads(json.dumps(metrics))
    assert (metrics["measured_on"], metrics["dataset"], metrics["queries"]) == ("test", "wings", 24)
    assert heard[-1] == {"event": "metrics", **metrics}
    history = [json.loads(line) for line in (paths.out / "history.jsonl").read_text().splitlines()]
    assert history == [event for event in heard if event["event"] == "epoch"]
    assert [event["step"] for event in history] == [3, 6, 9]
    assert {"loss", "learning_rate", "images_per_second"} <= history[0].keys()


def test_a_run_keeps_what_every_query_earned_and_what_it_took(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    paths = paths_in(tmp_path, cache_root)
    metrics = train(tiny_spec(), wings, paths)
    stored, test = read_per_query(paths.out), wings.rows("test")
    assert stored.ids.tolist() == wings.ids[test].tolist() and stored.labels.tolist() == wings.labels[test].tolist()
    assert stored.columns["map_at_r"].mean() == metrics["map_at_r"]
    assert stored.columns["recall_at_2"].mean() == metrics["recall_at"]["2"]
    cost = read_json(paths.out / "cost.json")
    assert cost["train_seconds"] > 0 and cost["peak_memory_mib"] > 50 and cost["threads"] == 1
    assert cost["device"] and cost["images_per_second"] > 0


def test_each_fold_holds_other_classes_out_and_every_loss_the_same(wings: DatasetFolder, cache_root: Path) -> None:
    cache = open_cache(wings, 32, cache_root)

    def held_out(loss: str, fold: int, seed: int = 0) -> set[int]:
        spec = replace(tiny_spec(loss, seed, folds=2), fold=fold)
        data = RunData.of(spec, wings, cache)
        assert not set(data.train_rows) & set(data.validation_rows)
        assert set(data.measured_rows) == set(wings.rows("test"))
        return set(wings.labels[data.validation_rows].tolist())

    first, second = held_out("soft_triple", 0), held_out("soft_triple", 1)
    assert first.isdisjoint(second) and first | second == set(wings.labels[wings.rows("train")].tolist())
    assert held_out("multi_similarity", 0) == first


def test_training_ends_when_patience_does_and_goes_no_further_when_resumed(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = [0.2, 0.5, 0.4, 0.3, 0.9]
    monkeypatch.setattr(CheckpointManager, "_measure", lambda self: {"map_at_r": scores[len(self.history)]})
    spec = tiny_spec(selection="validation", validation_classes=2, patience=2, epochs=5)
    paths, heard = paths_in(tmp_path, cache_root), list[dict[str, Any]]()

    def is_publishing() -> bool:
        return bool(heard) and heard[-1].get("phase") == "embed"

    for stop in (is_publishing, lambda: False):
        heard.clear()
        with suppress(Stopped):
            train(spec, wings, paths, callbacks=TrainingCallbacks(heard.append, stop))
        assert [event["epoch"] for event in heard if event["event"] == "epoch"] == [1, 2, 3, 4]
    assert paths.out.exists()


def test_the_stored_network_gives_the_stored_embeddings(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    paths = paths_in(tmp_path, cache_root)
    train(tiny_spec(), wings, paths)
    encoder, cache = load_encoder(paths.out), open_cache(wings, 32, cache_root)
    again = embed_rows(encoder, cache, np.arange(len(cache)))
    assert np.abs(again - np.load(paths.out / "embeddings.npy")).max() < 1e-5


def test_training_improves_on_the_untrained_classes_that_it_sees(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    heard: list[dict[str, Any]] = []
    train(tiny_spec(epochs=6), wings, paths_in(tmp_path, cache_root), callbacks=TrainingCallbacks(heard.append))
    losses = [event["loss"] for event in heard if event["event"] == "epoch"]
    assert losses[-1] < 0.8 * losses[0]


def test_a_folder_that_is_there_is_refused_before_any_work(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    paths, heard = paths_in(tmp_path, cache_root), []
    paths.out.mkdir()
    with pytest.raises(FileExistsError, match="is already there; choose another folder"):
        train(tiny_spec(), wings, paths, callbacks=TrainingCallbacks(heard.append))
    assert not heard


def test_warm_up_leaves_the_backbone_as_it_was(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    paths = paths_in(tmp_path, cache_root)
    train(tiny_spec(epochs=1, warmup_epochs=1, batch_norm="trained"), wings, paths)
    torch.manual_seed(0)
    untouched = build_backbone(BackboneSpec("test_resnet", "scratch")).state_dict()
    kept = load_file(paths.out / "model.safetensors")
    assert all(torch.equal(tensor, kept[f"backbone.{name}"]) for name, tensor in untouched.items())


def test_without_the_hub_a_run_says_how_to_go_on(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*args: Any, **kwargs: Any) -> nn.Module:
        raise OSError("no network")

    monkeypatch.setattr("mlcore.networks.backbones.timm.create_model", unreachable)
    with pytest.raises(WeightsError, match="--weights"):
        train(tiny_spec(weights="hub"), wings, paths_in(tmp_path, cache_root))


def test_what_is_random_within_an_epoch_is_the_same_in_a_resumed_run(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noisy(nn.Module):
        def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
            return (embeddings * torch.rand_like(embeddings)).square().mean()

    monkeypatch.setattr(trainer, "build_loss", lambda name, **arguments: Noisy())
    whole, part = (paths_in(tmp_path, cache_root, name) for name in ("whole", "part"))
    train(tiny_spec(), wings, whole)
    with pytest.raises(Stopped):
        train(tiny_spec(), wings, part, callbacks=stopping_after(STEPS_PER_EPOCH + 1))
    train(tiny_spec(), wings, part)
    assert model_bytes(part.out) == model_bytes(whole.out)


class Watched(nn.Module):
    """A loss that notes what it is given, and gives NaN at one call."""

    def __init__(self, loss: nn.Module, nan_at: int = 0) -> None:
        super().__init__()
        self.loss, self.nan_at = loss, nan_at
        self.seen: list[tuple[torch.dtype, bool]] = []

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        self.seen.append((embeddings.dtype, torch.is_autocast_enabled(embeddings.device.type)))
        value: Tensor = self.loss(embeddings, labels)
        return value * float("nan") if len(self.seen) == self.nan_at else value


@contextmanager
def watching(monkeypatch: pytest.MonkeyPatch, nan_at: int = 0) -> Iterator[list[Watched]]:
    watched: list[Watched] = []

    def build(name: str, **arguments: Any) -> nn.Module:
        watched.append(Watched(build_loss(name, **arguments), nan_at))
        return watched[-1]

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "build_loss", build)
        yield watched


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_last_epoch(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = paths_in(tmp_path, cache_root)
    with (
        watching(monkeypatch, nan_at=STEPS_PER_EPOCH + 2),
        pytest.raises(TrainingError, match="the loss became nan at epoch 2, step 2; the checkpoint of epoch 1 is kept"),
    ):
        train(tiny_spec(), wings, paths)
    assert latest_checkpoint(paths.work) == paths.work / "epoch-1"
    assert not paths.out.exists()


def test_a_loss_that_is_not_finite_at_once_promises_no_checkpoint(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    paths = paths_in(tmp_path, cache_root)
    spec = replace(tiny_spec(), params={"gamma": 1e-60})
    with pytest.raises(TrainingError, match=r"became (nan|inf) at epoch 1, step 1\. Lower the learning rate"):
        train(spec, wings, paths)


def test_the_loss_is_computed_in_single_precision_where_the_backbone_is_not(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watching(monkeypatch) as watched:
        metrics = train(tiny_spec(epochs=1, precision="bfloat16"), wings, paths_in(tmp_path, cache_root))
    assert watched[0].seen == [(torch.float32, False)] * STEPS_PER_EPOCH
    assert 0 <= metrics["map_at_r"] <= 1


def without_test_pictures(dataset: DatasetFolder) -> DatasetFolder:
    pictures = tuple(picture for picture in dataset.pictures if picture.split == "train")
    return replace(dataset, pictures=pictures, fingerprint=fingerprint_of(pictures))


@pytest.mark.parametrize("protocol", [tiny_protocol, head_protocol])
def test_a_run_measured_on_validation_is_the_same_without_the_test_pictures(
    protocol: Any, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    spec = RunSpec(protocol=protocol(validation_classes=2, dim=8), loss="soft_triple", measured_on="validation")
    whole, part = (paths_in(tmp_path, cache_root, name) for name in ("whole", "part"))
    metrics = train(spec, wings, whole)
    assert train(spec, without_test_pictures(wings), part) == metrics
    assert (metrics["measured_on"], metrics["queries"], metrics["classes"]) == ("validation", 12, 2)
    assert model_bytes(part.out) == model_bytes(whole.out)


def run_of(loss: str, wings: DatasetFolder, paths: RunPaths) -> tuple[dict[str, Any], Any]:
    metrics = train(RunSpec(protocol=tiny_protocol(), loss=loss), wings, paths)
    return metrics, np.load(paths.out / "embeddings.npy")


def test_baselines_are_the_backbone_as_it_is_and_its_half_whitened_features(
    wings: DatasetFolder, tmp_path: Path
) -> None:
    _, features = run_of("untrained", wings, paths_in(tmp_path, tmp_path / "cache", "untrained"))
    _, whitened = run_of("half_whitened_pca", wings, paths_in(tmp_path, tmp_path / "cache", "whitened"))
    described = read_json(tmp_path / "untrained" / "model.json")
    assert described["embedder"]["pooling"] == "average" and described["embedder"]["dim"] is None
    train_rows = wings.rows("train")
    assert whitened.shape[1] == len(train_rows) - 1, "no more dimensions than training pictures allow"

    (stored,) = map(np.load, (tmp_path / "cache").glob("features-*/features.npy"))
    assert np.abs(stored / np.linalg.norm(stored, axis=1, keepdims=True) - features).max() < 1e-5
    weight, bias = half_whitened_pca(stored[train_rows], whitened.shape[1])
    expected = stored @ weight.numpy().T + bias.numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.abs(whitened - expected).max() < 1e-4


def test_a_baseline_does_not_depend_on_seed_or_head(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    found = [
        train(
            RunSpec(protocol=tiny_protocol(dim=dim), loss="half_whitened_pca"),
            wings,
            paths_in(tmp_path, cache_root, str(dim)),
        )
        for dim in (4, 16)
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"backbone": "test_vit", "pooling": "cls"},
        {"backbone": "test_vit", "pooling": "gem", "trains": "last_stage"},
        {"backbone": "test_convnext", "pooling": "gem", "head_init": "half-whitened-pca"},
        {"backbone": "test_efficientnet", "pooling": "max", "trains": "last_stage"},
        {"backbone": "test_vit", "pooling": "gem", "trains": "head", "crop_scale": 1, "horizontal_flip": 0},
        {"backbone": "test_vit", "pooling": "gem", "trains": "head"},
    ],
    ids=str,
)
def test_every_family_is_trained_and_comes_back_from_its_folder(
    changes: dict[str, Any], wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    paths = paths_in(tmp_path, cache_root)
    train(tiny_spec(epochs=1, batch_norm="frozen", **changes), wings, paths)
    encoder, cache = load_encoder(paths.out), open_cache(wings, 32, cache_root)
    again = embed_rows(encoder, cache, np.arange(len(cache)))
    assert np.abs(again - np.load(paths.out / "embeddings.npy")).max() < 1e-5
    described = read_json(paths.out / "model.json")["embedder"]
    assert described["pooling"] == changes["pooling"]
    if changes["pooling"] == "gem":
        power = float(load_file(paths.out / "model.safetensors")["pool.pool.power"])
        assert (power == 3) == (changes.get("trains") == "head")
