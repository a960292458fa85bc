"""A training that runs out of memory says which batch fits, and leaves the protocol alone."""

import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mlcore.datasets import DatasetFolder
from mlcore.errors import TrainingError
from mlcore.losses import build_loss
from mlcore.networks.backbones import BackboneSpec, build_backbone, synchronised_batch_norm
from mlcore.networks.embedder import Embedder
from mlcore.training import trainer
from mlcore.training.checkpoint import latest_checkpoint
from mlcore.training.distributed import ProcessGroup
from mlcore.training.out_of_memory import first_that_fits, is_out_of_memory, smaller_batches
from mlcore.training.train import train
from tests.mlcore.tiny import STEPS_PER_EPOCH, paths_in, tiny_spec

pytestmark = pytest.mark.usefixtures("one_thread")

EXHAUSTED = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    MemoryError(),
]


@dataclass
class Machine:
    """A machine whose memory holds a loss over so many pictures, from a step on."""

    holds: int
    error: Exception = field(default_factory=MemoryError)
    roomy_steps: int = 0
    sizes: list[int] = field(default_factory=list)
    held: list[weakref.ref[Tensor]] = field(default_factory=list)
    held_before: list[bool] = field(default_factory=list)

    def require(self, embeddings: Tensor) -> None:
        self.held_before.append(any(reference() is not None for reference in self.held))
        self.held = [weakref.ref(embeddings)]
        self.sizes.append(len(embeddings))
        if len(embeddings) > self.holds and len(self.sizes) > self.roomy_steps:
            raise type(self.error)(*self.error.args)  # a fresh one: an error keeps the frames that it left


class InMemory(nn.Module):
    def __init__(self, loss: nn.Module, machine: Machine) -> None:
        super().__init__()
        self.loss, self.machine = loss, machine

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        self.machine.require(embeddings)
        value: Tensor = self.loss(embeddings, labels)
        return value


def set_up(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    def build(name: str, **arguments: Any) -> nn.Module:
        return InMemory(build_loss(name, **arguments), machine)

    monkeypatch.setattr(trainer, "build_loss", build)
    return machine


@pytest.mark.parametrize("error", EXHAUSTED, ids=str)
def test_a_step_out_of_memory_names_the_batch_that_fits_and_keeps_the_last_epoch(
    error: Exception, wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = set_up(Machine(holds=5, error=error, roomy_steps=STEPS_PER_EPOCH + 1), monkeypatch)
    paths = paths_in(tmp_path, cache_root)
    said = (
        r"^out of memory.* at epoch 2, step 2, with a batch of 8 pictures; the checkpoint of epoch 1 is kept\. "
        r"A batch of 4 fits \(tried\): set batch_size to 4, .* or keep it and lower crop \(32\), set precision"
    )
    with pytest.raises(TrainingError, match=said):
        train(tiny_spec(), wings, paths)
    assert machine.sizes[STEPS_PER_EPOCH:] == [8, 8, 4], "no size was tried twice"
    assert latest_checkpoint(paths.work) == paths.work / "epoch-1" and not paths.out.exists()


def test_where_no_batch_fits_at_all_other_ways_are_named(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = set_up(Machine(holds=0), monkeypatch)
    said = (
        r"^out of memory at epoch 1, step 1, with a batch of 16 pictures\. Not even a batch of 6 fits \(tried\), the "
        r"smallest that the protocol allows: lower crop \(32\), set trains to last_stage, or choose a smaller backbone$"
    )
    with pytest.raises(TrainingError, match=said):
        spec = tiny_spec(batch_size=16, samples_per_class=3, precision="bfloat16")
        train(spec, wings, paths_in(tmp_path, cache_root))
    assert machine.sizes == [16, 8, 6]


def test_what_the_failed_step_held_is_free_when_a_smaller_batch_is_tried(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = set_up(Machine(holds=0, error=torch.OutOfMemoryError("full")), monkeypatch)
    with pytest.raises(TrainingError):
        train(tiny_spec(batch_size=24), wings, paths_in(tmp_path, cache_root))
    assert machine.sizes == [24, 12, 6, 4]
    assert not any(machine.held_before)


def test_other_faults_are_not_taken_for_a_lack_of_memory(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    set_up(Machine(holds=0, error=fault), monkeypatch)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        train(tiny_spec(), wings, paths_in(tmp_path, cache_root))
    with pytest.raises(ValueError, match="not enough memory"):
        first_that_fits(raise_value_error, 8, 4)


def raise_value_error(size: int) -> None:
    raise ValueError("not enough memory of what was said")


@pytest.mark.parametrize("error", EXHAUSTED, ids=str)
def test_every_way_to_say_it_is_understood(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    ("size", "least", "expected"), [(64, 8, [32, 16, 8]), (50, 8, [25, 12, 8]), (12, 8, [8]), (8, 8, []), (4, 8, [])]
)
def test_batches_are_halved_down_to_the_least(size: int, least: int, expected: list[int]) -> None:
    assert list(smaller_batches(size, least)) == expected


def test_a_process_tries_its_part_without_the_others() -> None:
    spec = BackboneSpec("test_resnet", "scratch")
    embedder = Embedder(synchronised_batch_norm(build_backbone(spec)), spec, "average", 8).train()
    group = ProcessGroup(1, 2).detach(embedder)
    assert (group.rank, group.size) == (1, 2)
    shared = [module for module in embedder.modules() if isinstance(module, nn.SyncBatchNorm)]
    assert shared and not any(module.training for module in shared)
    own = torch.ones(2, 3, requires_grad=True)
    whole = group.gather(own, 5)
    whole.sum().backward()
    group.sum_gradients([nn.Parameter(own)])
    group.broadcast_random_state()
    assert torch.equal(whole.sum(dim=1), torch.tensor([3.0, 3, 0, 0, 0])) and own.grad is not None
    assert ProcessGroup().detach(embedder) == ProcessGroup()
