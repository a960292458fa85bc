"""Embeddings projected to two dimensions: near neighbours stay near, distances between groups are not meaningful."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.artifacts import refuse_existing
from mlcore.errors import MetricsError
from mlcore.evaluation.ranking import Floats, Ints, quantised_unit_rows, ranking_keys
from mlcore.events import Progress, no_progress

FORMAT = 1
FEWEST = 50  # points below which t-SNE has no neighbourhoods to keep
PERPLEXITY = 30
EARLY, LATE = 250, 500  # steps of t-SNE with and without exaggeration, openTSNE's own
TOLD_EVERY = 25  # steps
STEPS = 10_000  # of a coordinate from 0 to 1, in the file
_SCORES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class EmbeddingMap:
    """A map of N pictures, as its file holds it; every list but the last two has N entries.

    x, y: places from -STEPS to STEPS. ids and labels: the pictures' own. splits: a number of `split_names`.
    hits: 1 where the nearest held-out picture is of the same class, 0 where it is not, -1 for no query.
    near: the nearest picture of those that missed, in their order.
    total: pictures of the index, of which N were drawn.
    """

    method: str
    total: int
    x: list[int]
    y: list[int]
    ids: list[int]
    labels: list[int]
    splits: list[int]
    hits: list[int]
    near: list[int]
    split_names: list[str]

    @property
    def asked(self) -> int:
        """The number of queries among the pictures of the map."""
        return sum(hit >= 0 for hit in self.hits)

    @property
    def found(self) -> int:
        """The number of queries whose nearest picture is of their class."""
        return sum(hit == 1 for hit in self.hits)

    def write(self, path: Path) -> None:
        """Write the map beside `path`, then rename it: it is there whole, and never changes after.

        Raises: FileExistsError.
        """
        refuse_existing(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.new")
        scratch.write_text(json.dumps({"format": FORMAT, **asdict(self)}, separators=(",", ":")))
        scratch.replace(path)

    @classmethod
    def read(cls, path: Path) -> "EmbeddingMap":
        """Return the map that `write` stored; MetricsError for another format."""
        value: Mapping[str, Any] = json.loads(path.read_text())
        if value.get("format") != FORMAT:
            raise MetricsError(f"{path.name} is not a map of format {FORMAT}; make it again")
        return cls(**{name: part for name, part in value.items() if name != "format"})


def project(vectors: NDArray[Any], *, seed: int = 0, progress: Progress = no_progress) -> tuple[Floats, str]:
    """Return places [N, 2] from -1 to 1 of vectors [N, D] compared by cosine, and the method's name.

    t-SNE that starts from the principal components, in one thread, so that the same vectors and seed give the same
    map; fewer than FEWEST vectors are shown by their principal components alone.
    """
    unit = quantised_unit_rows(vectors)
    if len(unit) < FEWEST:
        return _to_square(_principal(unit)), "PCA"
    return _to_square(_tsne(unit, seed, progress)), "t-SNE"


def _principal(unit: Floats) -> Floats:
    """Return the first two principal components [N, 2], each turned so that its largest entry is positive."""
    centred = unit - unit.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    parts = np.zeros((len(unit), 2))
    kept = min(2, len(values))
    parts[:, :kept] = left[:, :kept] * values[:kept]
    largest = parts[np.abs(parts).argmax(axis=0), [0, 1]]
    return parts * np.where(largest < 0, -1, 1)


def _tsne(unit: Floats, seed: int, progress: Progress) -> Floats:
    from openTSNE import TSNE

    start = _principal(unit)
    done = 0

    def tell(iteration: int, error: float, embedding: Any) -> None:
        nonlocal done
        done += TOLD_EVERY
        progress("map", min(done, EARLY + LATE), EARLY + LATE)

    progress("map", 0, EARLY + LATE)
    found = TSNE(
        perplexity=min(PERPLEXITY, (len(unit) - 1) / 3),
        metric="euclidean",  # of unit rows: the order of their cosines, and quicker to search exactly
        neighbors="exact",
        initialization=1e-4 * start / (start[:, 0].std() or 1.0),
        early_exaggeration_iter=EARLY,
        n_iter=LATE,
        negative_gradient_method="bh",
        n_jobs=1,
        random_state=seed,
        callbacks=tell,
        callbacks_every_iters=TOLD_EVERY,
    ).fit(unit.astype(np.float32))
    return np.asarray(found, dtype=np.float64)


def _to_square(places: Floats) -> Floats:
    """Return places moved and scaled alike in both directions, so that the wider one goes from -1 to 1."""
    low, high = places.min(axis=0), places.max(axis=0)
    half = float((high - low).max()) / 2 or 1.0
    moved: Floats = (places - (low + high) / 2) / half
    return moved


def nearest_neighbours(
    vectors: NDArray[Any], labels: Ints, queries: Ints, gallery_rows: Ints, progress: Progress = no_progress
) -> tuple[Ints, NDArray[np.int8]]:
    """Return, for each query, the nearest row of the gallery, and 1 for a hit, 0 for a miss, -1 for none.

    Exact, by the rules of the metrics (`ranking_keys`); of equal keys the lowest row comes first. A query
    whose class nobody else has gets -1 for both, as the metrics leave it out.
    Shapes: vectors [N, D], labels [N]; queries, gallery_rows: rows.
    """
    unit = quantised_unit_rows(vectors)
    first, hits = np.full(len(queries), -1, np.int64), np.full(len(queries), -1, np.int8)
    gallery, classes = unit[gallery_rows], labels[gallery_rows]
    step = max(1, _SCORES_AT_ONCE // max(1, len(gallery_rows)))
    for start in range(0, len(queries), step):
        rows = queries[start : start + step]
        same = labels[rows, None] == classes
        itself = rows[:, None] == gallery_rows
        best = ranking_keys(unit[rows] @ gallery.T, wrong=~same, left_out=itself).argmax(axis=1)
        able = (same & ~itself).any(axis=1)
        place = slice(start, start + len(rows))
        first[place] = np.where(able, gallery_rows[best], -1)
        hits[place] = np.where(able, same[np.arange(len(rows)), best], -1)
        progress("neighbours", start + len(rows), len(queries))
    return first, hits


def map_of(
    vectors: NDArray[Any],
    *,
    ids: Ints,
    labels: Ints,
    splits: list[str],
    most: int,
    seed: int = 0,
    progress: Progress = no_progress,
) -> EmbeddingMap:
    """Return the map of an index: vectors [N, D] with the pictures' ids, labels and splits, all [N].

    Of more than `most` pictures a seeded sample is drawn; its held-out ones are still compared with all of those.
    """
    names = sorted(set(splits))
    codes = np.array([names.index(split) for split in splits])
    held = np.array(splits)
    drawn = np.arange(len(ids))
    if len(ids) > most:
        drawn = np.sort(np.random.default_rng(seed).choice(len(ids), most, replace=False))
    queries = drawn[np.isin(held[drawn], ("test", "query"))]
    first, hits = nearest_neighbours(
        vectors, labels, queries, np.flatnonzero(np.isin(held, ("test", "gallery"))), progress
    )
    every = np.full(len(ids), -1, np.int8)
    every[queries] = hits
    places, method = project(vectors[drawn], seed=seed, progress=progress)
    steps = np.rint(STEPS * places).astype(np.int64)
    return EmbeddingMap(
        method,
        len(ids),
        steps[:, 0].tolist(),
        steps[:, 1].tolist(),
        ids[drawn].tolist(),
        labels[drawn].tolist(),
        codes[drawn].tolist(),
        every[drawn].tolist(),
        ids[first[hits == 0]].tolist(),
        names,
    )
