"""Out-of-memory errors of a training step: told from other errors, with the batch size that fits."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from mlcore.config import Protocol
from mlcore.errors import brief

# torch has a class of its own for GPUs only; its allocator on CPUs and the libraries of GPUs say it in words.
WORDS = ("can't allocate memory", "not enough memory", "STATUS_ALLOC_FAILED")


class OutOfMemoryError(Exception):
    """A step did not fit. It never leaves the training, which ends with a TrainingError."""


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error says that memory, of a GPU or of the machine, was exhausted."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS)


@contextmanager
def memory_errors_told() -> Iterator[None]:
    """Raise OutOfMemoryError for what says it in any other way."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(brief(error)) from error


def smaller_batches(size: int, least: int) -> Iterator[int]:
    """Yield the halves of a batch of `size` down to `least`, which comes last."""
    while size > least:
        size = max(size // 2, least)
        yield size


def first_that_fits(attempt: Callable[[int], None], size: int, least: int) -> int | None:
    """Return the largest half, quarter ... of `size` with which `attempt` does not run out of memory."""
    for smaller in smaller_batches(size, least):
        _free()
        try:
            with memory_errors_told():
                attempt(smaller)
        except OutOfMemoryError:
            continue
        return smaller
    return None


def _free() -> None:
    gc.collect()  # what an exception and its frames hold of each other goes only so
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def advice(protocol: Protocol, fitting: int | None, least: int) -> str:
    """Return what to change in the protocol, given the batch that was found to fit."""
    if fitting is not None:
        return (
            f"A batch of {fitting} fits (tried): set batch_size to {fitting}, for every loss that is compared, "
            f"for it is another protocol; or keep it and {_lower(protocol)}"
        )
    return f"Not even a batch of {least} fits (tried), the smallest that the protocol allows: {_lower(protocol)}"


def _lower(protocol: Protocol) -> str:
    ways = [f"lower crop ({protocol.crop})"]
    if protocol.precision == "float32":
        ways.append("set precision to bfloat16")
    if protocol.trains == "all":
        ways.append("set trains to last_stage")
    return ", ".join([*ways, "or choose a smaller backbone"])
