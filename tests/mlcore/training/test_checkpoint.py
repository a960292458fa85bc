"""A checkpoint is whole or refused."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from mlcore.errors import CheckpointError
from mlcore.training.checkpoint import (
    DESCRIPTION,
    SUMS,
    TENSORS,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from tests.mlcore.tiny import cut_short, flip_byte

pytestmark = pytest.mark.usefixtures("one_thread")


class State:
    """A network, its optimiser, and a step to take."""

    def __init__(self, seed: int = 0, width: int = 4) -> None:
        torch.manual_seed(seed)
        self.network, self.loss = nn.Linear(3, width), nn.Linear(width, 1)
        self.modules = {"embedder": self.network, "loss": self.loss}
        self.optimizer = torch.optim.AdamW([*self.network.parameters(), *self.loss.parameters()], lr=0.1)

    def step(self) -> None:
        self.optimizer.zero_grad()
        self.loss(self.network(torch.ones(2, 3))).sum().backward()
        self.optimizer.step()

    def weights(self) -> list[torch.Tensor]:
        return [parameter.detach().clone() for module in self.modules.values() for parameter in module.parameters()]

    def save(self, folder: Path, epoch: int = 1) -> Path:
        save_checkpoint(folder, epoch, self.modules, self.optimizer, {"history": [0.5]})
        return folder / f"epoch-{epoch}"


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    state, again = State(), State(seed=1)
    state.step()
    checkpoint = state.save(tmp_path)
    description = load_checkpoint(checkpoint, again.modules, again.optimizer)
    assert (description["epoch"], description["history"]) == (1, [0.5])
    for one in (state, again):
        one.step()
    assert same(state.weights(), again.weights())


def test_only_the_newest_is_kept(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path / "nothing yet") is None
    for epoch in (9, 10):
        State().save(tmp_path, epoch)
    assert latest_checkpoint(tmp_path) == tmp_path / "epoch-10"
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-10"]


def test_the_newest_is_found_by_number_and_not_by_name(tmp_path: Path) -> None:
    for epoch in (9, 10):
        State().save(tmp_path / str(epoch), epoch)
        shutil.copytree(tmp_path / str(epoch) / f"epoch-{epoch}", tmp_path / f"epoch-{epoch}")
    assert latest_checkpoint(tmp_path) == tmp_path / "epoch-10"


def test_an_epoch_may_be_stored_again(tmp_path: Path) -> None:
    State().save(tmp_path)
    again = State(seed=1)
    again.save(tmp_path)
    fresh = State()
    load_checkpoint(tmp_path / "epoch-1", fresh.modules, fresh.optimizer)
    assert same(fresh.weights(), again.weights())


@pytest.mark.parametrize("file", [TENSORS, DESCRIPTION, SUMS])
@pytest.mark.parametrize("damage", [flip_byte, cut_short, Path.unlink])
def test_a_damaged_file_is_refused_with_the_way_out(tmp_path: Path, file: str, damage: object) -> None:
    state = State()
    checkpoint = state.save(tmp_path)
    before = state.weights()
    damage(checkpoint / file)  # type: ignore[operator]
    with pytest.raises(CheckpointError, match="(damaged|cannot be read).*remove that folder to train from the begin"):
        load_checkpoint(checkpoint, state.modules, state.optimizer)
    assert same(before, state.weights())


@pytest.mark.parametrize("place", [0.05, 0.3, 0.6, 0.95])
def test_any_byte_of_the_description_is_guarded(tmp_path: Path, place: float) -> None:
    checkpoint = State().save(tmp_path)
    flip_byte(checkpoint / DESCRIPTION, place)
    with pytest.raises(CheckpointError):
        load_checkpoint(checkpoint, State().modules, State().optimizer)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    checkpoint, other = State().save(tmp_path), State(width=5)
    with pytest.raises(CheckpointError, match="does not fit this run"):
        load_checkpoint(checkpoint, other.modules, other.optimizer)


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    State().save(tmp_path)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mlcore.training.checkpoint.save_file", full)
    with pytest.raises(OSError, match="No space"):
        State().save(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-1"]
