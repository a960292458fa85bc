"""The embeddings of all folds of a run, concatenated as Musgrave et al. 2020 measure them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlcore.artifacts import published
from mlcore.comparison.plan import Cell, Comparison
from mlcore.datasets import DatasetFolder
from mlcore.evaluation.further import measure_further, write_further
from mlcore.evaluation.results import measure_rows


def join_folds(
    dataset: DatasetFolder, comparison: Comparison, done: Mapping[Cell, Path], folder: Path
) -> dict[str, Path]:
    """Measure, for each loss and seed whose folds are all done, their embeddings side by side.

    Each fold's embeddings have unit length, so a cosine between joined ones is the mean of the folds'
    cosines. done: the finished cells' folders. Returns the joined ones' in `folder`, by `joined_name`; each
    holds metrics.json, per_query.npz and further.json, like a run's.
    """
    together: dict[str, list[Cell]] = {}
    for cell in comparison.cells():
        if cell.fold is not None:
            together.setdefault(cell.joined_name, []).append(cell)
    whole = {name: cells for name, cells in together.items() if all(cell in done for cell in cells)}
    for name, cells in whole.items():
        if not (folder / name).exists():
            try:
                _measure(dataset, [done[cell] for cell in cells], folder / name)
            except FileExistsError:
                continue  # another process was faster
    return {name: folder / name for name in whole}


def _measure(dataset: DatasetFolder, runs: Sequence[Path], target: Path) -> None:
    rows = dataset.held_out
    folds = [np.load(run / "embeddings.npy", mmap_mode="r", allow_pickle=False) for run in runs]
    joined: NDArray[np.float32] = np.concatenate(folds, axis=1)  # of one length, which is all that matters
    measured = measure_rows(joined[rows], dataset, rows)
    further = measure_further(joined, dataset, rows, dataset.rows("train"))
    with published(target) as folder:
        measured.store(folder)
        write_further(folder, further)
