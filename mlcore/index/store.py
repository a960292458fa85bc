"""An index on disk: its folder, the manifest with its checksums, and the checks that refuse a stale one.

A folder holds `index.bin` (hnswlib's graph), `vectors.npy` (the unit vectors, ids ascending, mapped when
open) and `manifest.json`. hnswlib loads a wrong dim, a wrong space and a damaged header without a word and
answers nonsense, so nothing reaches it before sizes and checksums agree.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.artifacts import read_json, sha256_of_file
from mlcore.errors import StaleIndexError
from mlcore.index.checks import Ids
from mlcore.index.hnsw import SPACE, VectorIndex

FORMAT = 1
GRAPH = "index.bin"
VECTORS = "vectors.npy"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Attempt:
    """A setting that was tried, what it reached, and a query's share of a batch on the build's threads."""

    M: int
    ef: int
    recall_at_10: float
    recall_unseen: float | None
    query_ms: float

    @property
    def recall(self) -> float:
        """The lower of the two recalls."""
        unseen = self.recall_at_10 if self.recall_unseen is None else self.recall_unseen
        return min(self.recall_at_10, unseen)


@dataclass(frozen=True)
class FileChecksum:
    """The SHA-256 and the length of a file."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class IndexManifest:
    """What an index was built from, how it was chosen and what it reached.

    `recall_at_10` is the share of the exact nearest 10 (n - 1 where fewer are left) that the index finds
    for `queries` of its own pictures, each left out of its answer. `recall_unseen` is the same for
    `queries_unseen` pictures before they were added (None in sets too small to spare any): a graph knows
    its own pictures better than other photographs, so this one is what a search may expect.
    `files` maps a file's name to its checksum.
    """

    dim: int
    count: int
    M: int
    ef_construction: int
    ef: int
    target_recall: float
    recall_at_10: float
    recall_unseen: float | None
    queries: int
    queries_unseen: int
    attempts: tuple[Attempt, ...]
    seed: int
    model_sha256: str
    preprocessing_sha256: str
    ids_sha256: str
    files: Mapping[str, FileChecksum]
    created_at: str
    build_seconds: float
    format: int = FORMAT
    space: str = SPACE

    @property
    def meets_target(self) -> bool:
        """Whether the target recall was reached, by own pictures and by unseen ones."""
        return self.recall >= self.target_recall

    @property
    def recall(self) -> float:
        """The lower of the two recalls: the one to show."""
        unseen = self.recall_at_10 if self.recall_unseen is None else self.recall_unseen
        return min(self.recall_at_10, unseen)

    @property
    def bytes(self) -> int:
        """Size on disk without the manifest."""
        return sum(checksum.bytes for checksum in self.files.values())

    @property
    def checksum(self) -> str:
        """SHA-256 of the graph's file, which names this index."""
        return self.files[GRAPH].sha256

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> "IndexManifest":
        """Return the manifest that `to_json` gave; StaleIndexError for another format or other fields."""
        if not isinstance(value, dict) or value.get("format") != FORMAT or value.get("space") != SPACE:
            raise StaleIndexError(f"manifest is not of format {FORMAT} and space {SPACE}; rebuild the index")
        known = {field.name for field in fields(cls)}
        if value.keys() != known:
            raise StaleIndexError(f"manifest lacks or adds {sorted(known ^ value.keys())}; rebuild the index")
        try:
            attempts = tuple(Attempt(**attempt) for attempt in value["attempts"])
            files = {name: FileChecksum(**checksum) for name, checksum in value["files"].items()}
        except (AttributeError, TypeError) as error:
            raise StaleIndexError(f"manifest cannot be read: {error}; rebuild the index") from error
        for name in ("dim", "count", "M", "ef"):
            if not isinstance(value[name], int) or value[name] < 1:
                raise StaleIndexError(f"manifest's {name} cannot be {value[name]!r}; rebuild the index")
        return cls(**(value | {"attempts": attempts, "files": files}))


def load_index(
    folder: Path,
    *,
    model_sha256: str | None = None,
    preprocessing: Mapping[str, Any] | None = None,
    threads: int = 1,
) -> VectorIndex:
    """Return the index in `folder` after proving it whole and of this model and preprocessing, where given.

    Raises: StaleIndexError, a sentence that says what differs.
    """
    manifest = read_manifest(folder)
    if model_sha256 is not None and manifest.model_sha256 != model_sha256:
        raise StaleIndexError(f"index is of model {manifest.model_sha256[:12]}, not of {model_sha256[:12]}; rebuild it")
    if preprocessing is not None and manifest.preprocessing_sha256 != preprocessing_sha256(preprocessing):
        raise StaleIndexError("index was built with another preprocessing of the pictures; rebuild it")
    for name in (GRAPH, VECTORS):
        _verify(folder / name, manifest.files.get(name))
    index = VectorIndex.open(folder / GRAPH, folder / VECTORS, dim=manifest.dim, ef=manifest.ef, threads=threads)
    if index.count != manifest.count:
        raise StaleIndexError(f"index holds {index.count} pictures, its manifest says {manifest.count}")
    if ids_sha256(index.ids) != manifest.ids_sha256:
        raise StaleIndexError("index holds other pictures than its manifest says; rebuild it")
    return index


def read_manifest(folder: Path) -> IndexManifest:
    """Return the manifest in `folder`; StaleIndexError when there is none that can be read."""
    try:
        value = read_json(folder / MANIFEST)
    except (OSError, ValueError) as error:
        raise StaleIndexError(f"index {folder.name} has no readable manifest: {error}") from error
    return IndexManifest.from_json(value)


def checksum_of(path: Path) -> FileChecksum:
    """Return the checksum of the file at `path`."""
    return FileChecksum(sha256=sha256_of_file(path), bytes=path.stat().st_size)


def ids_sha256(ids: Ids) -> str:
    """Return the checksum of a set of ids: their little-endian 64-bit values, ascending."""
    return hashlib.sha256(np.sort(ids).astype("<i8").tobytes()).hexdigest()


def preprocessing_sha256(preprocessing: Mapping[str, Any]) -> str:
    """Return the checksum of what is done to a picture before the network: its JSON with keys in order."""
    return hashlib.sha256(json.dumps(dict(preprocessing), sort_keys=True).encode()).hexdigest()


def _verify(path: Path, stored: FileChecksum | None) -> None:
    if stored is None:
        raise StaleIndexError(f"manifest has no checksum of {path.name}; rebuild the index")
    if not path.is_file():
        raise StaleIndexError(f"{path.name} is missing; rebuild the index")
    if path.stat().st_size != stored.bytes:
        raise StaleIndexError(
            f"{path.name} has {path.stat().st_size} bytes, its manifest says {stored.bytes}; rebuild it"
        )
    if sha256_of_file(path) != stored.sha256:
        raise StaleIndexError(f"{path.name} is damaged: its checksum differs; rebuild the index")
