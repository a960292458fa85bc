"""Runs that several processes train together: `torchrun -m tests.mlcore.ranks ACT DATA CACHE OUT`."""

import sys
from pathlib import Path

import torch

from mlcore.datasets import DatasetFolder, load_dataset
from mlcore.errors import ProtocolError, Stopped
from mlcore.runs import RunSpec
from mlcore.training.distributed import ProcessGroup, join_process_group
from mlcore.training.setup import Event
from mlcore.training.train import TrainingCallbacks, train
from tests.mlcore.tiny import STEPS_PER_EPOCH, head_protocol, paths_in, stopping_after, tiny_protocol, tiny_spec

FROZEN = tiny_protocol(batch_norm="frozen-statistics")
SHARED = {
    "pairs": RunSpec(protocol=FROZEN, loss="multi_similarity"),
    "centres": RunSpec(protocol=FROZEN, loss="soft_triple"),
    "proxies": RunSpec(protocol=FROZEN.with_changes(warmup_epochs=1), loss="proxy_anchor"),
    "drawn negatives": RunSpec(protocol=FROZEN, loss="margin"),
    "head": RunSpec(protocol=head_protocol(), loss="multi_similarity"),
    "head, proxies": RunSpec(protocol=head_protocol(), loss="soft_triple"),
    "memory": RunSpec(protocol=FROZEN.with_changes(memory=12), loss="contrastive"),
    "memory, drawn negatives": RunSpec(protocol=head_protocol(memory=20), loss="margin"),
    "uneven parts": RunSpec(protocol=FROZEN.with_changes(batch_size=7), loss="soft_triple"),
    "chosen on validation": RunSpec(
        protocol=head_protocol(validation_classes=2, selection="validation", dim=8), loss="proxy_anchor"
    ),
}
STOPPED = RunSpec(protocol=FROZEN, loss="soft_triple", seed=1)


def main(act: str, data: str, cache: str, out: str) -> None:
    """Do one of ACTS in a process that torchrun started."""
    torch.set_num_threads(1)
    with join_process_group() as group:
        ACTS[act](load_dataset(Path(data)), Path(cache), Path(out), group)


def train_all(dataset: DatasetFolder, cache: Path, out: Path, group: ProcessGroup) -> None:
    """Train every run of SHARED; stop STOPPED and take it up again; note what was refused."""

    def draw(event: Event) -> None:
        torch.rand(group.rank)  # as dropout would: the processes' generators go apart

    for name, spec in SHARED.items():
        train(spec, dataset, paths_in(out, cache, name), callbacks=TrainingCallbacks(draw), group=group)
    _stop_and_resume(dataset, cache, out, group)
    if group.size > 1:
        _refuse(tiny_spec(batch_norm="trained"), dataset, cache, out, group)


def fail_in_last(dataset: DatasetFolder, cache: Path, out: Path, group: ProcessGroup) -> None:
    """Train STOPPED; in its second epoch the last process has no memory left."""

    def fail(event: Event) -> None:
        if event.get("done") == STEPS_PER_EPOCH + 1 and group.rank == group.size - 1:
            raise MemoryError("the last process is full")

    train(STOPPED, dataset, paths_in(out, cache, "failed"), callbacks=TrainingCallbacks(fail), group=group)


def _stop_and_resume(dataset: DatasetFolder, cache: Path, out: Path, group: ProcessGroup) -> None:
    paths = paths_in(out, cache, "stopped")
    # The last process alone is asked to stop, in the second epoch.
    callbacks = stopping_after(STEPS_PER_EPOCH + 1) if group.rank == group.size - 1 else TrainingCallbacks()
    try:
        train(STOPPED, dataset, paths, callbacks=callbacks, group=group)
    except Stopped as stop:
        (out / f"stopped-{group.rank}.txt").write_text(str(stop))
    group.wait()  # the second training must not take up what the first still stores
    train(STOPPED, dataset, paths, group=group)


def _refuse(spec: RunSpec, dataset: DatasetFolder, cache: Path, out: Path, group: ProcessGroup) -> None:
    try:
        train(spec, dataset, paths_in(out, cache, "refused"), group=group)
    except ProtocolError as refusal:
        (out / f"refused-{group.rank}.txt").write_text(str(refusal))


ACTS = {"train_all": train_all, "fail_in_last": fail_in_last}

if __name__ == "__main__":
    main(*sys.argv[1:])
