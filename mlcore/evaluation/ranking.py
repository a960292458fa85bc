"""Exact search: every picture ranked for every other, or a gallery for its queries, whatever the machine.

Three rules make rankings comparable:

* The query leaves its own gallery by id, never by "drop rank 1": with duplicates rank 1 may be another row.
* Cosines are rounded to 1e-6 and at a tie the wrong class comes first: a collapsed network earns nothing.
* Products of unit rows are exact (`quantised_unit_rows`): no block size, thread count or BLAS moves a rank.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlcore.errors import MetricsError
from mlcore.evaluation.rough_scores import RoughRows, pair_cosines, possible_best, rough_rows, single_error

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCORE_STEPS = 1e6
"""Ranks are by cosine in steps of 1e-6: below that, float32 networks return noise."""

_FEW = 256
"""A ranking no deeper than this part of the gallery is cheaper to find by rough scores first."""

_LEFT_OUT = np.int32(-(2**31) + 1)
"""Ranking key of the query itself: below every cosine, and odd, so it never counts as relevant."""


@dataclass(frozen=True)
class EmbeddingSet:
    """N pictures: unit [N, D], quantised; rough, the same in fewer bits; classes and ids [N], codes."""

    unit: Floats
    rough: RoughRows
    classes: Ints
    ids: Ints

    def __len__(self) -> int:
        return len(self.unit)

    @cached_property
    def by_class(self) -> tuple[Ints, Ints]:
        """Its rows [N], class by class, and where each of its C classes begins among them, then N: [C + 1]."""
        begins = np.concatenate([[0], np.cumsum(np.bincount(self.classes))])
        return np.argsort(self.classes, kind="stable"), begins

    def of(self, rows: Ints) -> "EmbeddingSet":
        """Return some of the pictures."""
        return EmbeddingSet(self.unit[rows], self.rough.of(rows), self.classes[rows], self.ids[rows])


@dataclass(frozen=True)
class RetrievalTask:
    """The queries among N pictures, and the gallery in which each looks for its class.

    Without `is_query` every picture is a query and the gallery is `every` itself. relevant [N]: R of each row as
    a query, 0 of one that is none; queries: their number; smallest: pictures the most copied one can find.
    """

    every: EmbeddingSet
    gallery: EmbeddingSet
    relevant: Ints
    queries: int
    smallest: int


def retrieval_task(
    embeddings: ArrayLike, labels: ArrayLike, ids: ArrayLike | None, is_query: ArrayLike | None = None
) -> RetrievalTask:
    """Return what `per_query_scores` measures; without ids every row is its own picture. Raises MetricsError."""
    unit = quantised_unit_rows(embeddings)
    classes = np.unique(checked_labels(labels, len(unit)), return_inverse=True)[1]
    every = EmbeddingSet(unit, rough_rows(unit), classes, _picture_codes(ids, classes))
    queries = np.ones(len(unit), dtype=bool) if is_query is None else _checked_roles(is_query, len(unit))
    gallery = every if is_query is None else every.of(np.flatnonzero(~queries))
    own = np.bincount(gallery.ids, minlength=len(unit))[every.ids]  # the query and its copies
    of_class = np.bincount(gallery.classes, minlength=len(unit))[classes]
    relevant = np.where(queries, of_class - own, 0)
    return RetrievalTask(every, gallery, relevant, int(queries.sum()), smallest=len(gallery) - int(own[queries].max()))


def _picture_codes(ids: ArrayLike | None, classes: Ints) -> Ints:
    names = np.arange(len(classes)) if ids is None else np.asarray(ids)
    if names.shape != classes.shape:
        raise MetricsError(f"ids must be one for each of the {len(classes)} rows, got shape {names.shape}")
    _, firsts, pictures = np.unique(names, return_index=True, return_inverse=True)
    torn = np.flatnonzero(classes != classes[firsts][pictures])
    if len(torn):
        raise MetricsError(f"id {names[torn[0]]} has two labels; rows that share an id are one picture")
    return pictures


def _checked_roles(is_query: ArrayLike, count: int) -> NDArray[np.bool_]:
    roles = np.asarray(is_query)
    if roles.shape != (count,) or roles.dtype != np.bool_:
        given = f"{roles.dtype} {roles.shape}"
        raise MetricsError(f"is_query must be true or false for each of the {count} rows, got {given}")
    if roles.all() or not roles.any():
        raise MetricsError("is_query must name at least one query and leave at least one picture as the gallery")
    return roles


def checked_labels(labels: ArrayLike, count: int) -> NDArray[Any]:
    """Return the labels as an array [count]; any values that compare will do."""
    values = np.asarray(labels)
    if values.shape != (count,):
        raise MetricsError(f"labels must be one for each of the {count} rows, got shape {values.shape}")
    return values


def unit_rows(embeddings: ArrayLike) -> Floats:
    """Return rows [N, D] scaled to length 1 in float64; MetricsError for a zero or non-finite row."""
    # C order: NumPy adds a row up in another order when columns lie together, and the norm would follow.
    rows = np.array(embeddings, dtype=np.float64, order="C")
    if rows.ndim != 2 or 0 in rows.shape:
        raise MetricsError(f"embeddings must be a filled [N, D] array, got shape {rows.shape}")
    largest = np.maximum(rows.max(axis=1, keepdims=True), -rows.min(axis=1, keepdims=True))
    for fault, at in (("not finite", ~np.isfinite(largest[:, 0])), ("all zeros", largest[:, 0] == 0)):
        if at.any():
            raise MetricsError(f"embedding {at.argmax()} is {fault} ({at.sum()} of {len(rows)} rows are)")
    rows /= largest  # so that squares neither overflow nor vanish
    rows /= np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    return rows


def quantised_unit_rows(embeddings: ArrayLike) -> Floats:
    """Return unit rows [N, D] rounded to multiples of 2^-26, so that their products are exact.

    A sum of rounded products depends on its order, and a BLAS picks the order by the block's shape: two
    block sizes then disagree in the last bits, which flips a rounded score. Products of these rows are
    multiples of 2^-52, and no partial sum reaches 2 (Cauchy-Schwarz), so each fits the 53 bits of a float64
    and every order gives the same, exact sum. A cosine moves by about 1e-8, a hundredth of a ranking step.
    """
    rows = unit_rows(embeddings)
    rows *= 2.0**26
    np.rint(rows, out=rows)
    rows *= 2.0**-26
    return rows


def ranked_relevance(task: RetrievalTask, rows: Ints, depth: int) -> NDArray[np.bool_]:
    """Return [B, depth], whether the picture at each rank is of the query's class, best first.

    Rough scores say which few pictures can be among the first `depth`; exact ones rank those. Where they are not few
    (a deep ranking, a collapsed network), all are scored exactly.
    """
    gallery = task.gallery
    most = len(gallery) // _FEW
    count = depth + len(gallery) - task.smallest  # the query and its copies may be among the best
    if count > most:
        return _best_of(_keys(task, rows), depth)
    asked, found = possible_best(task.every.rough.of(rows), gallery.rough, count, step=3 / SCORE_STEPS, most=most)
    keys = _pair_keys(task, rows[asked], found)
    order = np.lexsort((-keys, asked))
    few, firsts = np.unique(asked, return_index=True)
    relevance = np.empty((len(rows), depth), dtype=bool)
    relevance[few] = keys[order[firsts[:, None] + np.arange(depth)]] & 1 == 0
    crowded = np.setdiff1d(np.arange(len(rows)), few)
    if len(crowded):
        relevance[crowded] = _best_of(_keys(task, rows[crowded]), depth)
    return relevance


def first_relevant(task: RetrievalTask, rows: Ints) -> Ints:
    """Return how many pictures stand before the first relevant one, [B].

    Single precision counts them, but for those that it cannot tell from the first relevant one.
    """
    gallery, asked = task.gallery, task.every
    nearest = _nearest_relevant(task, rows)
    middle = (nearest / (2 * SCORE_STEPS)).astype(np.float32)[:, None]
    slack = np.float32(single_error(gallery.rough.singles.shape[1]) + 3 / SCORE_STEPS)
    cosines = asked.rough.singles[rows] @ gallery.rough.singles.T
    cosines[asked.ids[rows, None] == gallery.ids] = -np.inf
    ahead: Ints = np.count_nonzero(cosines > middle + slack, axis=1)
    places, close = np.nonzero(np.abs(cosines - middle) <= slack)
    closer = _pair_keys(task, rows[places], close) > nearest[places]
    ahead += np.bincount(places[closer], minlength=len(rows))
    return ahead


def _nearest_relevant(task: RetrievalTask, rows: Ints) -> NDArray[np.int32]:
    """Return the key of the best relevant picture of each query, [B]."""
    by_class, begins = task.gallery.by_class
    asked = task.every.classes[rows]
    starts, ends = begins[asked], begins[asked + 1]
    places = np.repeat(np.arange(len(rows)), ends - starts)
    among = np.arange(len(places)) - np.repeat(np.cumsum(ends - starts) - (ends - starts), ends - starts)
    keys = _pair_keys(task, rows[places], by_class[starts[places] + among])
    nearest = np.full(len(rows), _LEFT_OUT)
    np.maximum.at(nearest, places, keys)
    return nearest


def ranking_keys(cosines: Floats, wrong: NDArray[np.bool_], left_out: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return keys [B, G] that rank the gallery for its queries, the largest first; `cosines` is overwritten.

    A key is twice the rounded cosine, plus 1 for the wrong class: one integer order holds score and tie
    rule, and equal keys are equally relevant, so it does not matter which of them a partial sort cuts off.
    Shapes: wrong [B, G], the picture is of another class; left_out [B, G], it is the query or its copy. Pairs [P] do
    as well.
    """
    cosines *= SCORE_STEPS
    keys = np.rint(cosines, out=cosines).astype(np.int32)
    keys *= 2
    keys += wrong
    keys[left_out] = _LEFT_OUT
    return keys


def _keys(task: RetrievalTask, rows: Ints) -> NDArray[np.int32]:
    """Return the ranking keys [B, G] of queries against the gallery."""
    asked, gallery = task.every, task.gallery
    return ranking_keys(
        asked.unit[rows] @ gallery.unit.T,
        wrong=asked.classes[rows, None] != gallery.classes,
        left_out=asked.ids[rows, None] == gallery.ids,
    )


def _pair_keys(task: RetrievalTask, rows: Ints, found: Ints) -> NDArray[np.int32]:
    """Return the ranking keys [P] of pairs of a query and a picture of the gallery."""
    asked, gallery = task.every, task.gallery
    return ranking_keys(
        pair_cosines(asked.unit, gallery.unit, rows, found),
        wrong=asked.classes[rows] != gallery.classes[found],
        left_out=asked.ids[rows] == gallery.ids[found],
    )


def _best_of(keys: NDArray[np.int32], depth: int) -> NDArray[np.bool_]:
    """Return [B, depth], whether each of the best keys [B, N] is relevant; keys are reordered."""
    cut = keys.shape[1] - depth
    keys.partition(cut, axis=1)
    best = np.sort(keys[:, cut:], axis=1)[:, ::-1]
    relevance: NDArray[np.bool_] = (best & 1) == 0
    return relevance
