"""A run takes up its own state only, and ends with the epoch that validation chose."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mlcore.datasets import DatasetFolder
from mlcore.errors import CheckpointError, Stopped
from mlcore.runs import RunSpec
from mlcore.training.checkpoint import latest_checkpoint
from mlcore.training.checkpointing import CheckpointManager
from mlcore.training.train import TrainingCallbacks, train
from tests.mlcore.tiny import cut_short, flip_byte, model_bytes, paths_in, stopping_after, tiny_spec


def stopped(spec: RunSpec, wings: DatasetFolder, tmp_path: Path, cache_root: Path, steps: int = 4) -> Path:
    """Stop a run in its second epoch; return the folder of its checkpoints."""
    paths = paths_in(tmp_path, cache_root)
    with pytest.raises(Stopped):
        train(spec, wings, paths, callbacks=stopping_after(steps))
    return paths.work


def test_a_checkpoint_of_another_run_is_refused(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    work = stopped(tiny_spec(), wings, tmp_path, cache_root)
    for other in (tiny_spec(seed=1), tiny_spec(dim=8), tiny_spec("multi_similarity")):
        with pytest.raises(CheckpointError, match="belongs to another run; choose another folder"):
            train(other, wings, paths_in(tmp_path, cache_root))
    assert latest_checkpoint(work) == work / "epoch-1"


@pytest.mark.parametrize("damage", [flip_byte, cut_short])
def test_a_damaged_checkpoint_stops_the_run_and_says_the_way_out(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, damage: Any
) -> None:
    work = stopped(tiny_spec(), wings, tmp_path, cache_root)
    damage(work / "epoch-1" / "state.safetensors")
    with pytest.raises(CheckpointError, match="epoch-1 is damaged: a checksum differs; remove that folder"):
        train(tiny_spec(), wings, paths_in(tmp_path, cache_root))


def scores(monkeypatch: pytest.MonkeyPatch, values: list[float]) -> None:
    """Let validation give these scores, epoch by epoch, instead of measuring."""

    def measured(self: CheckpointManager) -> dict[str, Any]:
        return {"map_at_r": values[len(self.history)]}

    monkeypatch.setattr(CheckpointManager, "_measure", measured)


SELECTING = {"selection": "validation", "validation_classes": 2, "epochs": 3}


def test_the_epoch_that_was_best_on_validation_is_kept(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores(monkeypatch, [0.1, 0.9, 0.9])
    paths, weights = paths_in(tmp_path, cache_root), {}

    def remember(event: dict[str, Any]) -> None:
        if event["event"] == "epoch":
            weights[event["epoch"]] = load_file(paths.work / f"epoch-{event['epoch']}" / "state.safetensors")

    train(tiny_spec(**SELECTING), wings, paths, callbacks=TrainingCallbacks(remember))
    kept = load_file(paths.out / "model.safetensors")

    def is_of(epoch: int) -> bool:
        return all(torch.equal(tensor, weights[epoch][f"embedder/{name}"]) for name, tensor in kept.items())

    assert [is_of(epoch) for epoch in (1, 2, 3)] == [False, True, False]


def test_a_resumed_run_remembers_the_best_epoch(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores(monkeypatch, [0.9, 0.1, 0.5])
    spec = tiny_spec(**SELECTING)
    whole, part = paths_in(tmp_path, cache_root, "whole"), paths_in(tmp_path, cache_root)
    train(spec, wings, whole)
    stopped(spec, wings, tmp_path, cache_root, steps=2)
    train(spec, wings, part)
    assert model_bytes(part.out) == model_bytes(whole.out)


def test_validation_is_measured_on_the_held_out_classes_after_each_epoch(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    paths = paths_in(tmp_path, cache_root)
    train(tiny_spec(**SELECTING), wings, paths)
    history = [json.loads(line) for line in (paths.out / "history.jsonl").read_text().splitlines()]
    assert [event["validation"]["queries"] for event in history] == [12, 12, 12]
    assert [event["validation"]["classes"] for event in history] == [2, 2, 2]
