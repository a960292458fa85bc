"""The reduced Cars-196 photographs end to end, where this machine has them."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlcore.datasets import import_pictures, load_dataset, open_cache, open_source

SHARED = Path(os.environ.get("KINDRED_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
ARCHIVES = sorted(SHARED.glob("cars196_160_24pc.zip"))  # at most one; where there is none, there is no case to run


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name)
def test_shared_cars_are_imported_and_cached_pixel_for_pixel(archive: Path, tmp_path: Path) -> None:
    with open_source(archive) as source:
        report = import_pictures(source, tmp_path / "cars")
    assert (report.images, report.train_images, report.test_images) == (4_704, 2_352, 2_352)
    assert (len(report.duplicates), len(report.conflicting)) == (0, 5)
    assert (report.classes, report.train_classes, report.test_classes) == (196, 98, 98)
    assert (report.broken, report.singleton_classes, report.empty) == ((), (), ())

    dataset = load_dataset(tmp_path / "cars")
    assert np.unique(dataset.labels).tolist() == list(range(196))
    assert dataset.labels[dataset.rows("train")].max() == 97
    assert dataset.labels[dataset.rows("test")].min() == 98

    cache = open_cache(dataset, 160, tmp_path / "cache")
    for row in range(0, len(cache), 500):
        data = dataset.picture_path(dataset.pictures[row]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == dataset.pictures[row].sha256
        assert np.array_equal(cache[row], np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
