"""The build of an index: settings chosen by measured recall, files verified, the folder published whole."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.artifacts import published
from mlcore.events import Progress, no_progress
from mlcore.index.attempts import (
    CANDIDATES,
    EF_CONSTRUCTION,
    LINKS,
    QUERIES,
    attempts_until,
    check_wanted,
    figures_of,
    recalls_of,
    spared_of,
)
from mlcore.index.codes import Codes
from mlcore.index.hnsw import VectorIndex
from mlcore.index.index_builder import IndexBuilder
from mlcore.index.matrix import UnitVectors, release_pages
from mlcore.index.recall import RecallEvaluator
from mlcore.index.store import VECTORS, Attempt, IndexManifest
from mlcore.index.writing import Sample, prove, write_index

__all__ = ["IndexManifest", "build_index"]

NONE_DELETED = np.zeros(0, np.int64)


def build_index(
    folder: Path,
    embeddings: NDArray[Any],
    ids: NDArray[Any],
    *,
    model_sha256: str,
    preprocessing: Mapping[str, Any],
    codes: Codes | None = None,
    progress: Progress = no_progress,
    seed: int = 0,
    target_recall: float = 0.99,
    threads: int = 2,
) -> IndexManifest:
    """Write an index of embeddings [N, D] with ids [N] to `folder`, which must not exist yet.

    `codes` [N] are class and split, in the order of ids. Embeddings may be mapped from a file: beside the graph,
    1.5 times the vectors at M = 16 and 128 dimensions, a build then takes little memory, whatever their number.
    Takes the weakest setting whose recall reaches the target, both for its own pictures and for pictures
    measured before they were added. Data without structure may reach it nowhere: then the strongest
    setting is kept and `meets_target` says so. A failure, or a `progress` that raises, leaves nothing.
    Raises: VectorIndexError for vectors or ids that cannot be indexed, or fewer than two; FileExistsError.
    """
    check_wanted(len(ids), target_recall)
    started = time.monotonic()
    with published(folder) as scratch:
        units = UnitVectors.written(scratch / VECTORS, embeddings, ids)
        index, attempts = _choose(units, target_recall, LINKS, seed=seed, threads=threads, progress=progress)
        figures = figures_of(
            index.count, attempts, started=started, target_recall=target_recall, seed=seed,
            model_sha256=model_sha256, preprocessing=preprocessing,
        )  # fmt: skip
        ordered = None if codes is None else codes[np.argsort(ids, kind="stable")]
        manifest, sample = write_index(scratch, index, ordered, NONE_DELETED, figures), Sample.of(index)
        del index
        prove(scratch, sample, list(manifest.files))
    return manifest


def _choose(
    units: UnitVectors,
    target_recall: float,
    links: Sequence[int],
    *,
    seed: int,
    threads: int,
    progress: Progress,
) -> tuple[VectorIndex, list[Attempt]]:
    """Return the index of the first of `links` that reaches the target, else of the last, and what was tried."""
    first, *stronger = links
    builder = IndexBuilder(units, M=first, ef_construction=EF_CONSTRUCTION, seed=seed, threads=threads)
    index, tried = _grow(builder, len(units.ids), target_recall, seed, progress)
    if tried[-1].recall >= target_recall or not stronger:
        return index, tried
    del builder, index  # the graph goes before the next one comes
    index, more = _choose(units, target_recall, stronger, seed=seed, threads=threads, progress=progress)
    return index, tried + more


def _grow(
    builder: IndexBuilder, count: int, target_recall: float, seed: int, progress: Progress
) -> tuple[VectorIndex, list[Attempt]]:
    """Return the full index at the first ef that reaches the target, else the last, and what was tried.

    A picture of the index is an easy query: its own links lead to its neighbours (5,000 x 128 without
    structure: recall .99 at ef 50, where pictures it does not hold get .70). So some wait outside first.
    """
    unseen: dict[int, float] = {}
    if spared := spared_of(count):
        partial = builder.grow(count - spared, progress=progress)
        evaluator = RecallEvaluator.of_unseen(partial, builder.waiting()[1])
        release_pages(partial.vectors)
        unseen = recalls_of(evaluator, CANDIDATES, partial.with_ef, progress)
    index = builder.grow(progress=progress)
    evaluator = RecallEvaluator.of_own(index, QUERIES, seed)
    release_pages(index.vectors)
    tried = attempts_until(
        target_recall, CANDIDATES, index.with_ef, evaluator, links=builder.links, unseen=unseen.get, progress=progress
    )
    return index, tried
