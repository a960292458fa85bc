"""The file format of a checkpoint: safetensors and JSON, published whole."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mlcore.artifacts import published, read_json, write_json
from mlcore.errors import CheckpointError, brief
from mlcore.events import Event
from mlcore.training.checkpoint_sums import DESCRIPTION, SUMS, TENSORS, is_whole, sums_of

REMEDY = "remove that folder to train from the beginning"


class BestEpoch(TypedDict, total=False):
    """The epoch that was best on the validation classes; empty before there is one."""

    epoch: int
    map_at_r: float


class CheckpointDescription(TypedDict, total=False):
    """What is stored beside the tensors: the last epoch, the run's fingerprint, its events, its best epoch."""

    epoch: int
    run: str
    history: list[Event]
    best: BestEpoch


def save_checkpoint(
    folder: Path,
    epoch: int,
    modules: Mapping[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    extra: CheckpointDescription,
) -> None:
    """Store the state after `epoch` (counted from 1) in folder/epoch-N; then drop older ones."""
    tensors = {
        f"{name}/{key}": value.contiguous()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{key}": torch.as_tensor(value).contiguous() for key, value in state.items()}
    target = folder / f"epoch-{epoch}"
    if target.exists():  # a damaged one was removed by hand, or the run was restarted
        shutil.rmtree(target)
    with published(target) as scratch:
        save_file(tensors, scratch / TENSORS)
        write_json(scratch / DESCRIPTION, {"epoch": epoch, **extra})
        write_json(scratch / SUMS, sums_of(scratch))
    for older in folder.glob("epoch-*"):
        if older != target:
            shutil.rmtree(older)


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint's folder, None where training has not stored one yet."""
    found = sorted(folder.glob("epoch-*"), key=lambda path: int(path.name.removeprefix("epoch-")))
    return found[-1] if found else None


def load_checkpoint(
    checkpoint: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer
) -> CheckpointDescription:
    """Put a stored state into modules and optimiser; return what stood beside it.

    Raises:
        CheckpointError: the files are damaged, or belong to another network.
    """
    description = describe_checkpoint(checkpoint)
    try:
        tensors = load_file(checkpoint / TENSORS)
        for name, module in modules.items():
            module.load_state_dict(_under(tensors, f"{name}/"))
        _load_optimizer(optimizer, _under(tensors, "optimizer/"))
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"checkpoint {checkpoint} does not fit this run: {brief(error)}") from error
    return description


def describe_checkpoint(checkpoint: Path) -> CheckpointDescription:
    """Return what stands beside the tensors, after checking that all of it is whole.

    Raises:
        CheckpointError: a file is missing, cut short or changed.
    """
    try:
        whole = is_whole(checkpoint)
        description: CheckpointDescription = read_json(checkpoint / DESCRIPTION) if whole else {}
    except (OSError, ValueError) as error:
        raise CheckpointError(f"checkpoint {checkpoint} cannot be read ({error}); {REMEDY}") from error
    if not whole:
        raise CheckpointError(f"checkpoint {checkpoint} is damaged: a checksum differs; {REMEDY}")
    return description


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition("/")
        state.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
