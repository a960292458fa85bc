"""Folders of small random photographs, imported as people import theirs."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from mlcore.datasets import import_pictures, open_source


def photo(seed: int, size: int = 48) -> bytes:
    """Return a JPEG of smooth random colours."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


def imported_classes(folder: Path, halves: Mapping[str, tuple[int, int]]) -> Path:
    """Import so many classes of so many pictures into `train` and `test`; return the folder of the data set."""
    for half, (classes, each) in halves.items():
        for label in range(classes):
            place = folder / "in" / half / f"{half} {label:03d}"
            place.mkdir(parents=True)
            for number in range(each):
                (place / f"{number}.jpg").write_bytes(photo(1000 * label + number + (500 if half == "test" else 0)))
    with open_source(str(folder / "in")) as source:
        import_pictures(source, folder / "set")
    return folder / "set"
