"""Further metrics of a run, beside the table of metrics: fewer dimensions and bytes, unknown classes, altered queries.

All are of the held-out pictures by exact search. What needs no more than the stored embeddings is measured at the end
of a run; altered queries are embedded and measured where somebody asks (`python -m mlcore further --robustness`).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from mlcore.artifacts import read_json, write_json
from mlcore.config import ladder
from mlcore.datasets import DatasetFolder
from mlcore.errors import CheckpointError
from mlcore.evaluation.metrics import per_query_scores
from mlcore.evaluation.open_set import open_set
from mlcore.evaluation.quantization import int8_rows
from mlcore.evaluation.query_corruptions import CORRUPTIONS
from mlcore.evaluation.ranking import Floats
from mlcore.evaluation.truncation import SMALLEST, first_coordinates, principal_axes
from mlcore.events import Progress, no_progress

FILE = "further.json"
FORMAT = 1
MOST_QUERIES = 4096
"""Queries asked at most: each of a run's twenty or so rankings then takes a bounded time."""
_SEED = 0

Rows = NDArray[np.int64]


class Score(TypedDict):
    """Means over queries, as fractions of 1."""

    recall_at_1: float
    map_at_r: float


class SizeScores(TypedDict):
    """Scores at a number of dimensions; a float32 takes 4 bytes, an int8 one.

    first: of the first coordinates. pca: of as many principal axes of the training embeddings; None without those.
    int8: of what `pca` measures, else `first`, as whole numbers. At all dimensions each is of the whole embeddings.
    """

    dims: int
    first: Score
    pca: Score | None
    int8: Score


class FurtherMetrics(TypedDict):
    """What further.json holds. queries: how many were asked. robustness: by kind of CORRUPTIONS; empty if not measured.

    open_set: the fields of `OpenSet`; None where classes are too few.
    """

    format: int
    queries: int
    sizes: list[SizeScores]
    open_set: dict[str, float] | None
    robustness: dict[str, Score]


class _Task:
    """The queries of the measured rows of a data set, and their gallery."""

    def __init__(self, dataset: DatasetFolder, rows: Rows) -> None:
        self.labels, self.ids, self.is_query = dataset.labels[rows], dataset.ids[rows], dataset.is_query(rows)
        self.asked = asked_of(len(rows), self.is_query)
        self.gallery = np.arange(len(rows)) if self.is_query is None else np.flatnonzero(~self.is_query)

    def score(self, gallery: NDArray[np.generic], queries: NDArray[np.generic] | None = None) -> Score:
        """Return the scores of measured embeddings [N, D]; queries [Q, D] replace those that are asked."""
        asked = gallery[self.asked] if queries is None else queries
        places = np.concatenate([self.asked, self.gallery])
        # A query leaves its own picture out of the gallery by the id, altered or not.
        means = per_query_scores(
            np.concatenate([asked, gallery[self.gallery]]),
            self.labels[places],
            (1,),
            ids=self.ids[places],
            is_query=np.arange(len(places)) < len(self.asked),
        ).means()
        return {"recall_at_1": means.recall_at[1], "map_at_r": means.means["map_at_r"]}


def asked_of(count: int, is_query: NDArray[np.bool_] | None) -> Rows:
    """Return the places among `count` measured pictures of those that are asked: MOST_QUERIES at most, drawn once."""
    queries = np.arange(count) if is_query is None else np.flatnonzero(is_query)
    if len(queries) <= MOST_QUERIES:
        return queries
    return np.sort(np.random.default_rng(_SEED).choice(queries, MOST_QUERIES, replace=False))


def measure_further(
    embeddings: NDArray[np.float32],
    dataset: DatasetFolder,
    rows: Rows,
    training_rows: Rows,
    progress: Progress = no_progress,
) -> FurtherMetrics:
    """Measure embeddings [N, D] of all pictures of a data set on some of its rows, without altered queries.

    training_rows: those that principal axes are fitted on; no measured picture may be among them.

    Raises:
        MetricsError: no query has a picture to find, or a row is zero or not finite.
    """
    task, measured = _Task(dataset, rows), embeddings[rows]
    axes = principal_axes(embeddings[training_rows])
    steps, sizes = ladder(measured.shape[1], SMALLEST), list[SizeScores]()
    for done, dims in enumerate(steps):
        progress("further", done, len(steps))
        sizes.append(_sizes_at(task, measured, axes, dims))
    found = open_set(measured, task.labels, asked=task.asked, is_query=task.is_query)
    return {
        "format": FORMAT,
        "queries": len(task.asked),
        "sizes": sizes,
        "open_set": None if found is None else asdict(found),
        "robustness": {},
    }


def _sizes_at(task: _Task, measured: NDArray[np.float32], axes: Floats | None, dims: int) -> SizeScores:
    first = first_coordinates(measured, dims)
    if axes is None or dims == measured.shape[1]:
        along: NDArray[np.floating] = first  # turning changes no cosine where all dimensions are kept
    else:
        # In double precision: in single, the last bits depend on the BLAS, and now and then a rank would.
        along = first_coordinates(measured @ axes[:, :dims], dims)
    of_first = task.score(first)
    of_axes = of_first if along is first else task.score(along)
    return {
        "dims": dims,
        "first": of_first,
        "pca": None if axes is None else of_axes,
        "int8": task.score(int8_rows(along)),
    }


def measure_robustness(
    embeddings: NDArray[np.float32],
    dataset: DatasetFolder,
    rows: Rows,
    embed: Callable[[str, Rows], NDArray[np.float32]],
    progress: Progress = no_progress,
) -> dict[str, Score]:
    """Measure altered queries against the embeddings [N, D] of all pictures as they are.

    embed: called as embed(kind, rows of the data set), returns embeddings [Q, D] of these pictures altered so.
    """
    task, scores = _Task(dataset, rows), {}
    for done, kind in enumerate(CORRUPTIONS):
        progress("alter queries", done, len(CORRUPTIONS))
        scores[kind] = task.score(embeddings[rows], embed(kind, rows[task.asked]))
    return scores


def write_further(folder: Path, found: FurtherMetrics) -> None:
    """Write further.json."""
    write_json(folder / FILE, found)


def read_further(folder: Path) -> FurtherMetrics | None:
    """Return what `write_further` stored; None for a run without it.

    Raises:
        CheckpointError: the file is damaged, or of another format.
    """
    try:
        found: FurtherMetrics = read_json(folder / FILE)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the further metrics in {folder} cannot be read: {error}") from error
    if not isinstance(found, Mapping) or found.get("format") != FORMAT:
        raise CheckpointError(f"{FILE} in {folder} is of another version; delete it and measure again")
    return found
