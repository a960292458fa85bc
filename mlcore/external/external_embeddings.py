"""External embeddings: matched to the pictures of a data set, measured and stored like a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.artifacts import published, refuse_existing, sha256_of_file, write_json
from mlcore.datasets import DatasetFolder
from mlcore.datasets.tables import load_table
from mlcore.errors import DatasetError
from mlcore.evaluation.further import measure_further, write_further
from mlcore.evaluation.results import measure_rows
from mlcore.inference.model_files import FORMAT, environment
from mlcore.runs import write_embeddings

KEYS = ("path", "sha256")
NAMED = 3
"""How many pictures an error names."""


def add_embeddings(embeddings: Path, images: Path, dataset: DatasetFolder, out: Path, name: str = "") -> dict[str, Any]:
    """Measure embeddings [N, D] of a .npy file and store them in `out`; return their metrics.

    name: under which they are listed; the file's unless given.
    images: a table whose row n says of which picture row n is, by its `path` in the data set or its `sha256`;
    for encodings and separators see `read_table`.
    What is stored has the data set's order and unit length, and no network: only pictures of the gallery can
    be searched with.

    Raises:
        FileExistsError: `out` is already there.
        DatasetError: a file cannot be read, a picture is missing, unknown or has two embeddings, or a row is
            zero or not finite.
        MetricsError: the data set cannot be measured on.
    """
    refuse_existing(out)
    values, (key, names) = _read_array(embeddings), _read_names(images)
    if len(values) != len(names):
        raise DatasetError(f"{embeddings.name} has {len(values)} rows, {images.name} names {len(names)} pictures")
    unit = _unit_rows(values, names)[_rows_of(dataset, key, names, values)]
    rows = dataset.held_out
    measured = measure_rows(unit[rows], dataset, rows)
    further = measure_further(unit, dataset, rows, dataset.rows("train"))
    with published(out) as folder:
        write_embeddings(folder, unit, dataset)
        measured.store(folder)
        write_further(folder, further)
        about = {"name": name or embeddings.stem, "dim": unit.shape[1]}
        write_json(folder / "model.json", about | _description(folder, embeddings, dataset))
    return measured.metrics


def _description(folder: Path, origin: Path, dataset: DatasetFolder) -> dict[str, object]:
    return {
        "format": FORMAT,
        "kind": "embeddings",
        "origin_sha256": sha256_of_file(origin),
        "preprocessing": {},
        "weights_sha256": sha256_of_file(folder / "embeddings.npy"),  # there are no others to tell models apart by
        "dataset": {"name": dataset.name, "fingerprint": dataset.fingerprint},
        "environment": environment(),
    }


def _read_array(file: Path) -> NDArray[np.float32]:
    try:
        values = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"cannot read the embeddings in {file.name}: {error}") from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu" or values.ndim != 2 or not values.size:
        raise DatasetError(f"{file.name} must hold one array of numbers [N, D], saved by numpy.save")
    return values.astype(np.float32)


def _read_names(file: Path) -> tuple[str, list[str]]:
    """Return the column that names pictures, "path" or "sha256", and its texts in order."""
    table = load_table(file)
    column = table.required(*KEYS)
    key = table.columns[column].casefold()
    return key, [row[column].lower() if key == "sha256" else row[column] for row in table.rows]


def _rows_of(dataset: DatasetFolder, key: str, names: Sequence[str], values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return which row is that of each picture of the data set, by its order."""
    first = {name: row for row, name in reversed(list(enumerate(names)))}
    twice = [name for row, name in enumerate(names) if not np.array_equal(values[row], values[first[name]])]
    wanted = [str(getattr(picture, key)) for picture in dataset.pictures]
    for fault, found in (
        ("has two different embeddings for", twice),
        ("lacks", sorted(set(wanted) - first.keys())),
        (f"names pictures that {dataset.name} does not have:", sorted(first.keys() - set(wanted))),
    ):
        if found:
            more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
            raise DatasetError(f"the list of pictures {fault} {', '.join(found[:NAMED])}{more}")
    return np.array([first[name] for name in wanted], np.int64)


def _unit_rows(values: NDArray[np.float32], names: Sequence[str]) -> NDArray[np.float32]:
    """Return rows of unit length, each scaled by its largest number first: no square over- or underflows."""
    largest = np.abs(values).max(axis=1, keepdims=True)
    for row in np.flatnonzero(~np.isfinite(largest[:, 0]) | (largest[:, 0] == 0))[:1]:
        raise DatasetError(f"the embedding of {names[row]} is zero or not finite; it has no direction")
    scaled = values / largest
    unit: NDArray[np.float32] = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    return unit
