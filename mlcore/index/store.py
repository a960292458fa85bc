"""An index on disk: its folder, the manifest with its checksums, and the checks that refuse a stale one.

A folder holds `index.bin` (hnswlib's graph), `vectors.npy` (the unit vectors, ids ascending, mapped when
open), `ids.npy` and `manifest.json`; `labels.npy` and `splits.npy` where classes are known; `deleted.npy`, the
ids that only the graph still holds, where there are any. An index that another vector engine searches has no
`index.bin`; its manifest names the engine, and the collection there.

hnswlib loads a wrong dim, a wrong space and a damaged header without a word and answers nonsense, so nothing
reaches it before sizes and checksums agree. A process reads a file for its checksum once, as long as its size,
its inode and its time of change stay.

Format 1 had neither ids, codes nor origin: it is read, and its graph holds the ids. Formats 1 and 2 were hnswlib's.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.artifacts import read_json, sha256_of_file
from mlcore.errors import StaleIndexError
from mlcore.index.checks import Ids
from mlcore.index.codes import Codes
from mlcore.index.hnsw import SPACE, VectorIndex
from mlcore.index.matrix import mapped
from mlcore.index.stored import StoredVectors

FORMAT, ENGINE_FORMAT = 2, 3
"""Of an index whose graph hnswlib reads, and of one that a vector engine searches."""

HNSWLIB = "hnswlib"
"""The engine of indexes that a process loads from their folder."""

GRAPH = "index.bin"
VECTORS = "vectors.npy"
IDS = "ids.npy"
LABELS = "labels.npy"
SPLIT_CODES = "splits.npy"
DELETED = "deleted.npy"
MANIFEST = "manifest.json"

NEEDED = {1: (GRAPH, VECTORS), 2: (GRAPH, VECTORS, IDS), 3: (VECTORS, IDS)}
"""The files that every index of a format has."""

BYTES_A_NODE = 150
"""What a process keeps of a vector beside the graph's file: hnswlib its lock, level and place by label (100), we its
id, its codes, and its share of the filters used last."""


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
class Origin:
    """How an index was made: built from nothing, or grown from the index whose graph has the checksum `base`.

    added, deleted, restored: pictures that came, went, and came back since the base. dead: deleted ones that the
    graph still holds. built_recall: the recall of the build that the growth began with.
    """

    base: str | None = None
    added: int = 0
    deleted: int = 0
    restored: int = 0
    dead: int = 0
    built_recall: float | None = None


@dataclass(frozen=True)
class IndexManifest:
    """What an index was built from, how it was chosen and what it reached.

    `recall_at_10` is the share of the exact nearest 10 (n - 1 where fewer are left) that the index finds
    for `queries` of its own pictures, each left out of its answer. `recall_unseen` is the same for
    `queries_unseen` pictures before they were added (None in sets too small to spare any): a graph knows
    its own pictures better than other photographs, so this one is what a search may expect. An index that grew
    by few pictures keeps the figure of its base.
    `files` maps a file's name to its checksum. `engine` searches it; `collection` is its name there, "" for hnswlib.
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
    origin: Origin = field(default_factory=Origin)
    engine: str = HNSWLIB
    collection: str = ""
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
        """SHA-256 of the graph's file, or of the vectors' where it has none, which names this index."""
        return self.files[GRAPH if self.engine == HNSWLIB else VECTORS].sha256

    @property
    def resident_bytes(self) -> int:
        """What a process that searches it keeps in memory; its vectors are mapped, and so page cache."""
        if self.engine != HNSWLIB:
            return 0
        return self.files[GRAPH].bytes + BYTES_A_NODE * (self.count + self.origin.dead)

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values; those of an engine where there is one, so that earlier versions read the others."""
        value = asdict(self)
        if self.format != ENGINE_FORMAT:
            del value["engine"], value["collection"]
        return value

    @classmethod
    def from_json(cls, value: Any) -> "IndexManifest":
        """Return the manifest that `to_json` gave; StaleIndexError for another format or other fields."""
        if not isinstance(value, dict) or value.get("format") not in NEEDED or value.get("space") != SPACE:
            raise StaleIndexError(f"manifest is not of format 1 to 3 and space {SPACE}; rebuild the index")
        if value["format"] == 1:
            value = {"origin": asdict(Origin())} | value
        if value["format"] != ENGINE_FORMAT:
            value = {"engine": HNSWLIB, "collection": ""} | value
        known = {field.name for field in fields(cls)}
        if value.keys() != known:
            raise StaleIndexError(f"manifest lacks or adds {sorted(known ^ value.keys())}; rebuild the index")
        try:
            attempts = tuple(Attempt(**attempt) for attempt in value["attempts"])
            files = {name: FileChecksum(**checksum) for name, checksum in value["files"].items()}
            origin = Origin(**value["origin"])
        except (AttributeError, TypeError) as error:
            raise StaleIndexError(f"manifest cannot be read: {error}; rebuild the index") from error
        for name in ("dim", "count", "M", "ef"):
            if not isinstance(value[name], int) or value[name] < 1:
                raise StaleIndexError(f"manifest's {name} cannot be {value[name]!r}; rebuild the index")
        return cls(**(value | {"attempts": attempts, "files": files, "origin": origin}))


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
    manifest = checked_manifest(folder, model_sha256, preprocessing)
    return open_files(folder, manifest, threads=threads)


def checked_manifest(
    folder: Path, model_sha256: str | None = None, preprocessing: Mapping[str, Any] | None = None
) -> IndexManifest:
    """Return the manifest in `folder`; StaleIndexError when it is of another model or preprocessing, where given."""
    return of_model(read_manifest(folder), model_sha256, preprocessing)


def of_model(
    manifest: IndexManifest, model_sha256: str | None, preprocessing: Mapping[str, Any] | None
) -> IndexManifest:
    """Return a manifest; StaleIndexError when it is of another model or preprocessing, where given."""
    if model_sha256 is not None and manifest.model_sha256 != model_sha256:
        raise StaleIndexError(f"index is of model {manifest.model_sha256[:12]}, not of {model_sha256[:12]}; rebuild it")
    if preprocessing is not None and manifest.preprocessing_sha256 != preprocessing_sha256(preprocessing):
        raise StaleIndexError("index was built with another preprocessing of the pictures; rebuild it")
    return manifest


def open_files(folder: Path, manifest: IndexManifest, *, threads: int = 1, room: int = 0) -> VectorIndex:
    """Return the index in `folder` after proving its files whole; `room`: see `open_graph`.

    Raises: StaleIndexError, a sentence that says what differs.
    """
    if manifest.engine != HNSWLIB:
        raise StaleIndexError(f"index has no graph: {manifest.engine} searches it")
    _verify_all(folder, manifest)
    index = VectorIndex.open(
        folder / GRAPH,
        folder / VECTORS,
        dim=manifest.dim,
        ef=manifest.ef,
        ids=_array(folder / IDS) if IDS in manifest.files else None,
        codes=read_codes(folder, manifest),
        threads=threads,
        room=room,
    )
    _check_pictures(index, manifest)
    return index


def load_vectors(folder: Path, *, model_sha256: str | None = None) -> StoredVectors:
    """Return the vectors of the index in `folder`, whichever engine searches it, after proving their files whole.

    Raises: StaleIndexError, a sentence that says what differs.
    """
    manifest = checked_manifest(folder, model_sha256)
    if IDS not in manifest.files:  # of format 1: the graph holds the ids
        return open_files(folder, manifest)
    _verify_all(folder, manifest)
    try:
        vectors = StoredVectors(mapped(folder / VECTORS), _array(folder / IDS))
    except (OSError, ValueError) as error:
        raise StaleIndexError(f"index cannot be read: {error}") from error
    if vectors.dim != manifest.dim or vectors.count != vectors.vectors.shape[0]:
        raise StaleIndexError(f"index has vectors {vectors.vectors.shape}, its manifest says {manifest.dim} dimensions")
    _check_pictures(vectors, manifest)
    return vectors


def _check_pictures(vectors: StoredVectors, manifest: IndexManifest) -> None:
    if vectors.count != manifest.count:
        raise StaleIndexError(f"index holds {vectors.count} pictures, its manifest says {manifest.count}")
    if ids_sha256(vectors.ids) != manifest.ids_sha256:
        raise StaleIndexError("index holds other pictures than its manifest says; rebuild it")


def read_codes(folder: Path, manifest: IndexManifest) -> Codes | None:
    """Return class and split of the pictures; None where the index has none."""
    if LABELS not in manifest.files or SPLIT_CODES not in manifest.files:
        return None
    return Codes(_array(folder / LABELS), _array(folder / SPLIT_CODES))


def read_deleted(folder: Path, manifest: IndexManifest) -> Ids:
    """Return the ids that only the graph still holds."""
    return _array(folder / DELETED) if DELETED in manifest.files else np.zeros(0, np.int64)


def _array(file: Path) -> Any:
    try:
        return np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise StaleIndexError(f"index cannot be read: {error}") from error


def read_manifest(folder: Path) -> IndexManifest:
    """Return the manifest in `folder`; StaleIndexError when there is none that can be read."""
    try:
        value = read_json(folder / MANIFEST)
    except (OSError, ValueError) as error:
        raise StaleIndexError(f"index {folder.name} has no readable manifest: {error}") from error
    return IndexManifest.from_json(value)


def checksum_of(path: Path) -> FileChecksum:
    """Return the checksum of the file at `path`, read once a process as long as it is not changed."""
    known = path.stat()
    sha256 = _sha256_once(path, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns)
    return FileChecksum(sha256=sha256, bytes=known.st_size)


@lru_cache(maxsize=4096)
def _sha256_once(path: Path, *identity: int) -> str:
    """Return the checksum of a file; `identity` tells the file from another, or its earlier self, in its place."""
    return sha256_of_file(path)


def ids_sha256(ids: Ids) -> str:
    """Return the checksum of a set of ids: their little-endian 64-bit values, ascending."""
    return hashlib.sha256(np.sort(ids).astype("<i8").tobytes()).hexdigest()


def preprocessing_sha256(preprocessing: Mapping[str, Any]) -> str:
    """Return the checksum of what is done to a picture before the network: its JSON with keys in order."""
    return hashlib.sha256(json.dumps(dict(preprocessing), sort_keys=True).encode()).hexdigest()


def _verify_all(folder: Path, manifest: IndexManifest) -> None:
    """Prove files whole: those of the manifest, and those that an index of its format has to have."""
    for name in dict.fromkeys((*NEEDED[manifest.format], *manifest.files)):
        _verify(folder / name, manifest.files.get(name))


def _verify(path: Path, stored: FileChecksum | None) -> None:
    if stored is None:
        raise StaleIndexError(f"manifest has no checksum of {path.name}; rebuild the index")
    if not path.is_file():
        raise StaleIndexError(f"{path.name} is missing; rebuild the index")
    if path.stat().st_size != stored.bytes:
        raise StaleIndexError(
            f"{path.name} has {path.stat().st_size} bytes, its manifest says {stored.bytes}; rebuild it"
        )
    if checksum_of(path) != stored:
        raise StaleIndexError(f"{path.name} is damaged: its checksum differs; rebuild the index")
