"""The files of an index that was built or grown: written into a folder aside, then read again to prove them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.artifacts import write_json
from mlcore.errors import VectorIndexError
from mlcore.index.checks import Ids, Vectors
from mlcore.index.codes import Codes
from mlcore.index.hnsw import VectorIndex
from mlcore.index.recall import NEIGHBOURS, TIE
from mlcore.index.store import (
    DELETED,
    GRAPH,
    IDS,
    LABELS,
    MANIFEST,
    SPLIT_CODES,
    VECTORS,
    IndexManifest,
    checksum_of,
    ids_sha256,
    load_index,
)
from mlcore.index.stored import StoredVectors


@dataclass(frozen=True)
class Sample:
    """Queries [Q, D], pictures of the index itself, and the similarities [Q, k] that it answered."""

    queries: Vectors
    similarities: Vectors

    @classmethod
    def of(cls, index: VectorIndex) -> "Sample":
        """Search with about a hundred of its pictures."""
        queries = index.vectors_of(index.ids[:: max(1, index.count // 100)])
        return cls(queries, index.search(queries, min(NEIGHBOURS, index.count))[1])


def write_index(
    scratch: Path, index: VectorIndex, codes: Codes | None, deleted: Ids, figures: Mapping[str, Any]
) -> IndexManifest:
    """Write everything but the vectors, which are there already; `figures` are the manifest's other fields."""
    index.save_graph(scratch / GRAPH)
    names = [GRAPH]
    if len(deleted):
        np.save(scratch / DELETED, deleted, allow_pickle=False)
        names.append(DELETED)
    return write_pictures(scratch, index, codes, names, figures)


def write_pictures(
    scratch: Path, index: StoredVectors, codes: Codes | None, names: Sequence[str], figures: Mapping[str, Any]
) -> IndexManifest:
    """Write ids and codes beside the vectors, and the manifest; `names`: further files that are there already."""
    np.save(scratch / IDS, index.ids, allow_pickle=False)
    names = [*names, VECTORS, IDS]
    if codes is not None:
        np.save(scratch / LABELS, codes.labels, allow_pickle=False)
        np.save(scratch / SPLIT_CODES, codes.splits, allow_pickle=False)
        names += [LABELS, SPLIT_CODES]
    manifest = IndexManifest(
        **figures,
        dim=index.dim,
        count=index.count,
        ids_sha256=ids_sha256(index.ids),
        files={name: checksum_of(scratch / name) for name in names},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_json(scratch / MANIFEST, manifest.to_json())
    return manifest


def prove(scratch: Path, sample: Sample, names: Sequence[str]) -> None:
    """Load what was written, as a reader will, search with pictures of its own, then push it to the disk.

    The index that wrote it is gone by now: two graphs in memory would be twice as much.
    """
    reread = load_index(scratch)
    found = reread.search(sample.queries, sample.similarities.shape[1])[1]
    if not np.allclose(sample.similarities, found, rtol=0, atol=TIE):
        raise VectorIndexError("the written index answers otherwise than the one in memory; is the disk bad?")
    push_to_disk(scratch, names)


def push_to_disk(scratch: Path, names: Sequence[str]) -> None:
    """Wait until files and the manifest are on the disk."""
    for name in (*names, MANIFEST):
        with (scratch / name).open("rb") as file:
            os.fsync(file.fileno())
