"""The embeddings of all folds of a run joined to one, as Musgrave et al. 2020 measure them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlcore.artifacts import published
from mlcore.compare.plan import Cell, Comparison
from mlcore.compare.running import Bench
from mlcore.measurement import measure_rows


def joined_name(cell: Cell) -> str:
    """Return the folder's name of the joined folds that a fold's cell belongs to."""
    return Cell(cell.loss, cell.seed, None, cell.tuned).name + "-joined"


def join_folds(bench: Bench, comparison: Comparison) -> None:
    """Measure, for each loss and seed whose folds are all done, their embeddings side by side.

    Each fold's embeddings have unit length, so a cosine between joined ones is the mean of the folds'
    cosines. The folder holds metrics.json and per_query.npz, like a run's.
    """
    together: dict[str, list[Cell]] = {}
    for cell in comparison.cells():
        if cell.fold is not None:
            together.setdefault(joined_name(cell), []).append(cell)
    for name, cells in together.items():
        target = bench.folder / "cells" / name
        if not target.exists() and all(bench.cell(cell).exists() for cell in cells):
            try:
                _measure(bench, cells, name)
            except FileExistsError:
                continue  # another process was faster


def _measure(bench: Bench, cells: Sequence[Cell], name: str) -> None:
    dataset, rows = bench.dataset, bench.dataset.held_out
    folds = [np.load(bench.cell(cell) / "embeddings.npy", mmap_mode="r", allow_pickle=False)[rows] for cell in cells]
    joined: NDArray[np.float32] = np.concatenate(folds, axis=1)  # of one length, which is all that matters
    measured = measure_rows(joined, dataset, rows)
    with published(bench.folder / "cells" / name) as folder:
        measured.store(folder)
