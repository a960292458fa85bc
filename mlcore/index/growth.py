"""Growth of an index: a copy of it takes up new pictures and marks deleted ones, which takes a part of a build's time.

The index it grows from stays as it is. A graph forgets nothing: deleted pictures stay in it as ways to others, and
cost memory and time. So an index is built from nothing when a quarter of its graph would be dead, and when its recall
falls.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.artifacts import published
from mlcore.errors import MlcoreError, StaleIndexError, VectorIndexError
from mlcore.events import Progress, no_progress
from mlcore.index.attempts import CANDIDATES, EF_CONSTRUCTION, attempts_until, recalls_of
from mlcore.index.checks import Ids, Vectors, checked_ids, unit_vectors
from mlcore.index.codes import Codes
from mlcore.index.hnsw import VectorIndex
from mlcore.index.matrix import ROWS_AT_ONCE, mapped, release_pages, write_rows
from mlcore.index.recall import RecallEvaluator
from mlcore.index.store import (
    HNSWLIB,
    IDS,
    VECTORS,
    IndexManifest,
    Origin,
    checked_manifest,
    open_files,
    read_deleted,
)
from mlcore.index.writing import Sample, prove, write_index

MOST_DEAD = 0.25
"""Share of a graph's vectors that may be deleted ones."""

QUERIES = 200
"""How many pictures measure a grown index: 2,000 neighbours tell its recall to half a point."""

FEWEST_UNSEEN = 100
"""New pictures by which the recall for unseen ones is measured again; by fewer it would be chance."""

FALL = 0.005
"""By how much the recall of an index that never met its target may lie below that of its build."""

_ROWS_PER_CHUNK = 1000


class CannotGrow(MlcoreError):
    """An index has to be built from nothing; the message says why."""


@dataclass(frozen=True)
class GrowthPlan:
    """What becomes of an index: ids [N] that it shall hold, and which of them it adds, restores, deletes; ascending.

    dead: deleted ids that the graph then holds. The vectors of restored pictures are in the graph still.
    """

    folder: Path
    base: IndexManifest
    ids: Ids
    added: Ids
    restored: Ids
    deleted: Ids
    dead: Ids


def plan_growth(folder: Path, ids: NDArray[Any], *, model_sha256: str, preprocessing: Mapping[str, Any]) -> GrowthPlan:
    """Return how the index in `folder` grows to hold the pictures `ids`; reads nothing but their ids.

    Raises: CannotGrow for an index of an earlier format, of other settings, with too many dead, or that is stale.
    """
    try:
        base = checked_manifest(folder, model_sha256, preprocessing)
        if base.format == 1 or (base.engine, base.ef_construction) != (HNSWLIB, EF_CONSTRUCTION):
            raise CannotGrow("the active index is of an earlier format, of another engine or of other settings")
        before, dead = np.load(folder / IDS, allow_pickle=False), read_deleted(folder, base)
    except (StaleIndexError, OSError, ValueError) as error:
        raise CannotGrow(f"the active index cannot be read: {error}") from error
    wanted = np.sort(checked_ids(ids))
    if len(wanted) < 2:
        raise VectorIndexError(f"an index needs at least 2 pictures, got {len(wanted)}")
    missing = np.setdiff1d(wanted, before, assume_unique=True)
    restored, deleted = np.intersect1d(missing, dead), np.setdiff1d(before, wanted, assume_unique=True)
    still = np.union1d(np.setdiff1d(dead, restored), deleted)
    share = len(still) / (len(still) + len(wanted))
    if share > MOST_DEAD:
        raise CannotGrow(f"{share:.0%} of its vectors would be of deleted pictures, more than {MOST_DEAD:.0%}")
    return GrowthPlan(folder, base, wanted, np.setdiff1d(missing, restored), restored, deleted, still)


def grow_index(
    folder: Path,
    plan: GrowthPlan,
    embeddings: NDArray[Any],
    *,
    codes: Codes | None = None,
    progress: Progress = no_progress,
    threads: int = 2,
) -> IndexManifest:
    """Write the index that a plan leads to into `folder`, which must not exist yet.

    Shapes: embeddings [A, D] of `plan.added`, in its order; codes [N] of `plan.ids`, in its order.
    Raises: CannotGrow when recall would fall; StaleIndexError when the files of the base are damaged;
        VectorIndexError for embeddings that cannot be indexed; FileExistsError.
    """
    started = time.monotonic()
    if len(embeddings) != len(plan.added):
        raise VectorIndexError(f"{len(embeddings)} embeddings do not match {len(plan.added)} added pictures")
    with published(folder) as scratch:
        index, figures = _grown(scratch, plan, embeddings, threads, progress)
        figures["build_seconds"] = round(time.monotonic() - started, 3)
        manifest, sample = write_index(scratch, index, codes, plan.dead, figures), Sample.of(index)
        del index
        prove(scratch, sample, list(manifest.files))
    return manifest


def _grown(
    scratch: Path, plan: GrowthPlan, embeddings: NDArray[Any], threads: int, progress: Progress
) -> tuple[VectorIndex, dict[str, Any]]:
    base = open_files(plan.folder, plan.base, threads=threads, room=len(plan.added))
    added = unit_vectors("embeddings", embeddings) if len(embeddings) else np.zeros((0, base.dim), np.float32)
    if added.shape[1] != base.dim:
        raise VectorIndexError(f"embeddings have {added.shape[1]} dimensions, the index has {base.dim}")
    unseen = _unseen_recall(base, added)
    graph = base.graph
    for label in plan.restored.tolist():
        graph.unmark_deleted(label)
    for label in plan.deleted.tolist():
        graph.mark_deleted(label)
    restored = np.asarray(graph.get_items(plan.restored.tolist()), np.float32) if len(plan.restored) else added[:0]
    for start in range(0, len(added), _ROWS_PER_CHUNK):
        rows = slice(start, start + _ROWS_PER_CHUNK)
        graph.add_items(added[rows], plan.added[rows], num_threads=threads)
        progress("index", min(rows.stop, len(added)), len(added))
    write_rows(scratch / VECTORS, _merged(plan, base, added, restored), (len(plan.ids), base.dim))
    index = VectorIndex(graph, mapped(scratch / VECTORS), plan.ids, threads)
    return index, _figures(plan, index, unseen, progress)


def _unseen_recall(base: VectorIndex, added: Vectors) -> dict[int, float]:
    """Return by ef what share of the neighbours of pictures that are new the index finds; {} where these are few."""
    if len(added) < FEWEST_UNSEEN:
        return {}
    evaluator, ef = RecallEvaluator.of_unseen(base, added[:: max(1, len(added) // QUERIES)]), base.ef
    found = recalls_of(evaluator, _efs(ef), base.with_ef, no_progress)
    base.set_ef(ef)
    release_pages(base.vectors)
    return found


def _efs(least: int) -> list[int]:
    return [least, *(ef for ef in CANDIDATES if ef > least)]


def _merged(plan: GrowthPlan, base: VectorIndex, added: Vectors, restored: Vectors) -> Iterator[Vectors]:
    """Yield the vectors of `plan.ids` in chunks, each from where it is."""
    sources = ((base.ids, base.vectors), (plan.restored, restored), (plan.added, added))
    for start in range(0, len(plan.ids), ROWS_AT_ONCE):
        ids = plan.ids[start : start + ROWS_AT_ONCE]
        chunk = np.empty((len(ids), base.dim), np.float32)
        for held, vectors in sources:
            if len(held):
                rows = np.minimum(held.searchsorted(ids), len(held) - 1)
                here = held[rows] == ids
                chunk[here] = vectors[rows[here]]
        yield chunk
        release_pages(base.vectors)


def _figures(plan: GrowthPlan, index: VectorIndex, unseen: dict[int, float], progress: Progress) -> dict[str, Any]:
    """Return the manifest's fields; raise CannotGrow when no ef keeps the recall."""
    base = plan.base
    built = base.recall if base.origin.built_recall is None else base.origin.built_recall
    needed = base.target_recall if built >= base.target_recall else built - FALL
    evaluator = RecallEvaluator.of_own(index, QUERIES, base.seed)
    release_pages(index.vectors)
    tried = attempts_until(
        needed, _efs(base.ef), index.with_ef, evaluator,
        links=base.M, unseen=lambda ef: unseen.get(ef, base.recall_unseen), progress=progress,
    )  # fmt: skip
    chosen = tried[-1]
    if chosen.recall < needed:
        raise CannotGrow(f"its recall would be {chosen.recall:.3f}, less than {needed:.3f}")
    return {
        "M": base.M,
        "ef_construction": base.ef_construction,
        "ef": chosen.ef,
        "target_recall": base.target_recall,
        "recall_at_10": chosen.recall_at_10,
        "recall_unseen": chosen.recall_unseen,
        "queries": len(evaluator.queries),
        "queries_unseen": len(range(0, len(plan.added), max(1, len(plan.added) // QUERIES)))
        if unseen
        else base.queries_unseen,
        "attempts": tuple(tried),
        "seed": base.seed,
        "model_sha256": base.model_sha256,
        "preprocessing_sha256": base.preprocessing_sha256,
        "origin": Origin(
            base=base.checksum,
            added=len(plan.added),
            deleted=len(plan.deleted),
            restored=len(plan.restored),
            dead=len(plan.dead),
            built_recall=built,
        ),
    }
