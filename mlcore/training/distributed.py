"""Several processes that train as one: started by torchrun, each on a part of every batch.

The loss is computed whole, by every process, on the embeddings of all: a pair loss sees the global
batch. Only the own rows carry a gradient, so the sum over the processes is the gradient of one
process, to rounding; of a mean over processes, as DistributedDataParallel takes it, this is not true.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn

from mlcore.config import Protocol
from mlcore.errors import ProtocolError, TrainingError
from mlcore.networks.backbones import synchronised_batch_norm
from mlcore.networks.embedder import Embedder

T = TypeVar("T")

# How long the others wait while the first decodes, embeds or validates. A process that dies is
# noticed long before: its connections close, and torchrun ends the others.
PATIENCE = timedelta(hours=6)


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of one training, seen from this one; alone by default, where every method is trivial."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes files and reports."""
        return self.rank == 0

    def own_part(self, batch: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of a batch [B] that this process loads; parts differ by one row at most.

        Raises:
            ProtocolError: fewer rows than processes.
        """
        if len(batch) < self.size:
            raise ProtocolError(
                f"a batch of {len(batch)} pictures cannot be shared by {self.size} processes; "
                "raise batch_size or start fewer"
            )
        return np.array_split(batch, self.size)[self.rank]

    def gather(self, own: Tensor, count: int) -> Tensor:
        """Return the rows [count, D] of all processes, in the batch's order; only `own` has a gradient."""
        if self.size == 1:
            return own
        places = self.own_part(np.arange(count))
        start, stop = int(places[0]), int(places[-1]) + 1
        # A sum with zeros is exact, and unlike all_gather it takes parts of unequal length.
        whole = own.new_zeros(count, *own.shape[1:])
        whole[start:stop] = own.detach()
        with _peers_answer():
            distributed.all_reduce(whole)
        return torch.cat([whole[:start], own, whole[stop:]])

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add up, over the processes, the gradients of what each applied to its own rows."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if not gradients:
            return
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        with _peers_answer():
            distributed.all_reduce(flat)
        totals = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, total in zip(gradients, totals, strict=True):
            gradient.copy_(total.view_as(gradient))

    def broadcast_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Copy the main process's gradients of what every process applied to all rows: proxies.

        Theirs are already whole, and equal but for rounding between unlike machines.
        """
        self._broadcast([parameter.grad for parameter in parameters if parameter.grad is not None])

    def broadcast_weights(self, *modules: nn.Module) -> None:
        """Copy the parameters and buffers of the main process."""
        self._broadcast([tensor for module in modules for tensor in module.state_dict().values()])

    def broadcast_random_state(self) -> None:
        """Copy the random state of the main process, so that a loss that draws draws alike everywhere."""
        if self.size == 1:
            return
        states = [torch.get_rng_state()]
        states += [torch.cuda.get_rng_state()] if torch.cuda.is_available() else []
        self._broadcast(states)
        torch.set_rng_state(states[0])
        if len(states) > 1:
            torch.cuda.set_rng_state(states[1])

    def _broadcast(self, tensors: Iterable[Tensor]) -> None:
        if self.size == 1:
            return
        for tensor in tensors:
            whole = tensor.detach().contiguous()
            with _peers_answer():
                distributed.broadcast(whole, src=0)
            tensor.detach().copy_(whole)

    def detach(self, embedder: Embedder) -> "ProcessGroup":
        """Return the same group without communication: to try how much memory one process's part takes."""
        if self.size == 1:
            return self
        for module in embedder.modules():
            if isinstance(module, nn.SyncBatchNorm):
                module.eval()  # else it waits for the others' statistics
        return _Detached(self.rank, self.size)

    def any(self, flag: bool) -> bool:
        """Return whether the flag is up in any process; the same answer everywhere."""
        if self.size == 1:
            return flag
        raised = torch.tensor([int(flag)])
        with _peers_answer():
            distributed.all_reduce(raised)
        return bool(raised.item())

    def broadcast_object(self, make: Callable[[], T]) -> T:
        """Return what `make` returns in the main process; the others do not call it."""
        if self.size == 1:
            return make()
        made = [make() if self.is_main else None]
        with _peers_answer():
            distributed.broadcast_object_list(made, src=0)
        return made[0]  # type: ignore[return-value]

    def main_first(self, make: Callable[[], T]) -> T:
        """Call `make` in the main process, then in the others, which find on disk what it stored."""
        if self.is_main:
            made = make()
            self.wait()
            return made
        self.wait()
        return make()

    def wait(self) -> None:
        """Wait until every process is here."""
        self.any(False)


class _Detached(ProcessGroup):
    """A process that tries a step by itself: the rows of the others are zeros."""

    def gather(self, own: Tensor, count: int) -> Tensor:
        return torch.cat([own, own.new_zeros(count - len(own), *own.shape[1:])])

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Leave the own gradients as they are."""

    def _broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Leave the own tensors as they are."""


ALONE = ProcessGroup()


@contextmanager
def join_process_group() -> Iterator[ProcessGroup]:
    """Join the processes that torchrun started, by its environment; alone without one.

    nccl between GPUs, one to a process; gloo between CPUs, and for what is said on the side.

    Raises:
        ProtocolError: this machine has fewer GPUs than processes.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    if torch.cuda.is_available():
        _choose_gpu(int(os.environ["LOCAL_RANK"]))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    yield ProcessGroup(int(os.environ["RANK"]), size)
    # Not after an error: leaving in order would wait for the others, who wait for this one.
    distributed.destroy_process_group()


def _choose_gpu(number: int) -> None:
    if number >= torch.cuda.device_count():
        raise ProtocolError(
            f"this machine has {torch.cuda.device_count()} GPUs, none for process {number + 1}; "
            "lower --nproc-per-node: each process needs a GPU of its own"
        )
    torch.cuda.set_device(number)


@contextmanager
def _peers_answer() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise TrainingError(
            "another process of this training has ended; its own message says why. "
            "Start all of them again to resume after the last complete epoch"
        ) from error


def require_shareable(protocol: Protocol, group: ProcessGroup) -> None:
    """Refuse what several processes cannot train as one would.

    Raises:
        ProtocolError: BatchNorms learn their statistics, and the processes run on CPUs.
    """
    if group.size > 1 and _learns_statistics(protocol) and not torch.cuda.is_available():
        raise ProtocolError(
            "batch_norm 'trained' needs the statistics of the whole batch, which torch shares between GPUs only: "
            "set batch_norm to frozen or frozen-statistics, or train in one process"
        )


def share_batch_norm(embedder: Embedder, protocol: Protocol, group: ProcessGroup) -> None:
    """Let BatchNorms that learn their statistics take them from the whole batch."""
    if group.size > 1 and _learns_statistics(protocol):
        embedder.backbone = synchronised_batch_norm(embedder.backbone)


def _learns_statistics(protocol: Protocol) -> bool:
    return protocol.batch_norm == "trained" and protocol.trains != "head"
