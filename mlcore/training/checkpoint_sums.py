"""The files of a checkpoint and their checksums, read without PyTorch."""

from pathlib import Path

from mlcore.artifacts import read_json, sha256_of_file

TENSORS = "state.safetensors"
DESCRIPTION = "checkpoint.json"
SUMS = "sums.json"


def sums_of(checkpoint: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a checkpoint."""
    return {name: sha256_of_file(checkpoint / name) for name in (TENSORS, DESCRIPTION)}


def is_whole(checkpoint: Path) -> bool:
    """Say whether the files of a checkpoint are those that were stored.

    Raises:
        OSError, ValueError: a file is missing, or the list of checksums cannot be read.
    """
    return bool(read_json(checkpoint / SUMS) == sums_of(checkpoint))
