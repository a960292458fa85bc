"""Near-duplicates between measured and training pictures: equal but for size, compression or brightness."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlcore.artifacts import published, read_json, write_json
from mlcore.datasets import DatasetFolder, PixelCache
from mlcore.events import Progress, no_progress
from mlcore.images.perceptual_hash import COARSE, COARSE_SIDE, coarse_fields, mirrored, shrunk, unit_fields

FINE_SIDE, FINE = 48, 0.95
CANDIDATES = 5
"""How many of the coarsely alike are looked at closely, for each measured picture."""
_SCORES_AT_ONCE = 1 << 24

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class NearDuplicate:
    """Ids of two pictures, one measured and one learned from, and how their pixels correlate, 0.95 to 1."""

    measured: int
    trained: int
    correlation: float


def near_duplicates(
    dataset: DatasetFolder,
    pixels: PixelCache,
    rows: tuple[Rows, Rows],
    cache: Path,
    progress: Progress = no_progress,
) -> list[NearDuplicate]:
    """Return each measured picture that is also learned from, mirrored perhaps, with its likest twin there.

    rows: (measured, trained), row numbers of the data set. Found once for the same rows and kept in `cache`.
    Crops and pictures of the same thing from elsewhere are not near-duplicates.
    """
    identity = [dataset.fingerprint, *map(_digest, (dataset.ids, *rows)), str(min(pixels[0].shape[:2]))]
    folder = cache / f"near-duplicates-{hashlib.sha256(' '.join(identity).encode()).hexdigest()[:24]}"
    if not folder.exists():
        found = find_near_duplicates(pixels, *rows, progress=progress)
        ids = [(int(dataset.ids[ours]), int(dataset.ids[theirs]), value) for ours, theirs, value in found]
        try:
            with published(folder) as scratch:
                write_json(scratch / "pairs.json", ids)
        except FileExistsError:
            pass  # another run stored the same meanwhile
    return [NearDuplicate(*pair) for pair in read_json(folder / "pairs.json")]


def find_near_duplicates(
    pixels: PixelCache, measured: Rows, trained: Rows, *, progress: Progress = no_progress
) -> list[tuple[int, int, float]]:
    """Return (measured row, trained row, correlation) of every near-duplicate, the likest first."""
    ours = _coarse(pixels, measured, progress)
    theirs = _coarse(pixels, trained, progress)
    both_ways = np.concatenate([theirs, mirrored(theirs)])
    found = []
    step = max(1, _SCORES_AT_ONCE // len(both_ways))
    for start in range(0, len(ours), step):
        scores = ours[start : start + step] @ both_ways.T
        for place in np.flatnonzero(scores.max(axis=1) >= COARSE):
            row = int(measured[start + place])
            best = _closely(pixels, row, trained, np.argsort(-scores[place])[:CANDIDATES], scores[place])
            if best is not None:
                found.append((row, *best))
    return sorted(found, key=lambda pair: (-pair[2], pair[0]))


def _closely(pixels: PixelCache, row: int, trained: Rows, places: Rows, scores: Floats) -> tuple[int, float] | None:
    """Return the trained row most like `row` in detail and its correlation; None when none is like enough."""
    ours = unit_fields(shrunk(pixels[row], FINE_SIDE, "RGB"))
    best: tuple[int, float] | None = None
    for place in places[scores[places] >= COARSE]:
        other = int(trained[place % len(trained)])
        theirs = pixels[other] if place < len(trained) else pixels[other][:, ::-1]
        value = round(float(ours @ unit_fields(shrunk(theirs, FINE_SIDE, "RGB"))), 4)
        if value >= FINE and (best is None or value > best[1]):
            best = other, value
    return best


def _coarse(pixels: PixelCache, rows: Rows, progress: Progress) -> Floats:
    """Return [N, 256], the brightness of each picture in 16 x 16 fields, as a unit row."""
    found = np.empty((len(rows), COARSE_SIDE**2), np.float32)
    for place, row in enumerate(rows):
        found[place] = coarse_fields(pixels[row])
        progress("near-duplicates", place + 1, len(rows))
    return found


def _digest(values: NDArray[np.int64]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
