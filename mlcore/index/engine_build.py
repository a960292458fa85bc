"""The build of an index in a vector engine: a collection made aside, measured through its own search, and named by a
manifest. The folder has the vectors, from which the collection can be made again."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.artifacts import published
from mlcore.errors import MlcoreError, VectorIndexError
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
from mlcore.index.engine import SearchableVectors, VectorEngine
from mlcore.index.matrix import ROWS_AT_ONCE, SomeRows, UnitVectors, release_pages
from mlcore.index.recall import RecallEvaluator
from mlcore.index.store import (
    ENGINE_FORMAT,
    VECTORS,
    Attempt,
    IndexManifest,
    load_vectors,
    read_codes,
    read_manifest,
)
from mlcore.index.stored import StoredVectors
from mlcore.index.writing import push_to_disk, write_pictures


def build_in_engine(
    engine: VectorEngine,
    collection: str,
    folder: Path,
    embeddings: NDArray[Any],
    ids: NDArray[Any],
    *,
    model_sha256: str,
    preprocessing: Mapping[str, Any],
    codes: Codes,
    progress: Progress = no_progress,
    seed: int = 0,
    target_recall: float = 0.99,
) -> IndexManifest:
    """Fill a collection with embeddings [N, D], ids [N] and codes [N], and write its vectors to `folder`.

    Settings are chosen as `build_index` chooses them. A failure, or a `progress` that raises, leaves no folder and no
    collection, if the engine answers then.
    Raises: VectorIndexError for vectors or ids that cannot be indexed, or fewer than two; EngineAway; FileExistsError.
    """
    check_wanted(len(ids), target_recall)
    started = time.monotonic()
    with published(folder) as scratch, _dropped_on_failure(engine, collection):
        units = UnitVectors.written(scratch / VECTORS, embeddings, ids)
        ordered = codes[np.argsort(ids, kind="stable")]
        attempts: list[Attempt] = []
        for links in LINKS:
            filling = _Filling(engine, collection, units, ordered, links, seed, progress)
            attempts += filling.measured(target_recall)
            if attempts[-1].recall >= target_recall:
                break
        figures = figures_of(
            len(ids), attempts, started=started, target_recall=target_recall, seed=seed,
            model_sha256=model_sha256, preprocessing=preprocessing,
        )  # fmt: skip
        figures |= {"format": ENGINE_FORMAT, "engine": engine.name, "collection": collection}
        manifest = write_pictures(scratch, StoredVectors(units.vectors, units.ids), ordered, [], figures)
        push_to_disk(scratch, list(manifest.files))
    return manifest


def fill(engine: VectorEngine, collection: str, folder: Path) -> None:
    """Fill a new collection as that of the index in `folder` was built, from the vectors there.

    Raises: StaleIndexError where the folder is damaged; EngineAway.
    """
    manifest, vectors = read_manifest(folder), load_vectors(folder)
    codes = read_codes(folder, manifest)
    if codes is None:
        raise VectorIndexError("the index does not know the classes of its pictures; rebuild it")
    units = UnitVectors(vectors.ids, vectors.vectors)
    with _dropped_on_failure(engine, collection):
        _Filling(engine, collection, units, codes, manifest.M, manifest.seed, no_progress).add_all()


@contextmanager
def _dropped_on_failure(engine: VectorEngine, collection: str) -> Iterator[None]:
    """Drop a collection that a failed build, or one that was stopped, leaves behind."""
    try:
        yield
    except BaseException:
        with suppress(MlcoreError):
            engine.drop(collection)
        raise


def open_collection(engine: VectorEngine, manifest: IndexManifest) -> SearchableVectors:
    """Return the collection of an index, to be searched as it was measured."""
    return engine.open(manifest.collection, dim=manifest.dim, count=manifest.count, ef=manifest.ef)


@dataclass(frozen=True)
class _Filling:
    """A new collection on its way, in an order of chance: a part of it is a fair sample of the whole."""

    engine: VectorEngine
    collection: str
    units: UnitVectors
    codes: Codes
    links: int
    seed: int
    progress: Progress

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """The rows of the vectors in the order in which they are added."""
        return np.random.default_rng(self.seed).permutation(len(self.units.ids))

    def _create(self) -> None:
        dim = self.units.vectors.shape[1]
        self.engine.create(self.collection, dim, links=self.links, ef_construction=EF_CONSTRUCTION)

    def measured(self, target_recall: float) -> list[Attempt]:
        """Add all vectors, some of them only after they have measured the others; return what was tried."""
        self._create()
        unseen: dict[int, float] = {}
        spared = spared_of(len(self.order))
        first = len(self.order) - spared
        self._add(0, first)
        if spared:
            held = np.sort(self.order[:first])
            part = StoredVectors(SomeRows(self.units.vectors, held), self.units.ids[held])
            evaluator = RecallEvaluator.of_unseen(part, np.asarray(self.units.vectors[self.order[first:]]))
            unseen = recalls_of(evaluator, CANDIDATES, self._at, self.progress)
            self._add(first, len(self.order))
        evaluator = RecallEvaluator.of_own(StoredVectors(self.units.vectors, self.units.ids), QUERIES, self.seed)
        release_pages(self.units.vectors)
        return attempts_until(
            target_recall, CANDIDATES, self._at, evaluator,
            links=self.links, unseen=unseen.get, progress=self.progress,
        )  # fmt: skip

    def add_all(self) -> None:
        """Add all vectors."""
        self._create()
        self._add(0, len(self.order))

    def _add(self, start: int, stop: int) -> None:
        for begin in range(start, stop, ROWS_AT_ONCE):
            rows = self.order[begin : min(begin + ROWS_AT_ONCE, stop)]
            self.engine.add(self.collection, self.units.ids[rows], self.units.vectors[rows], self.codes[rows])
            release_pages(self.units.vectors)
            self.progress("index", min(begin + ROWS_AT_ONCE, stop), len(self.order))
        self.engine.settle(self.collection, lambda: self.progress("index", stop, len(self.order)))

    def _at(self, ef: int) -> SearchableVectors:
        shape = self.units.vectors.shape
        return self.engine.open(self.collection, dim=shape[1], count=shape[0], ef=ef)
