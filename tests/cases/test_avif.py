"""AVIF is read whatever its name says, and each way that programs write it."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mlcore.datasets import import_pictures, load_dataset, open_source
from tests.cases.pictures import photo


def avif(seed: int, mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(photo(seed))).convert(mode).save(buffer, "AVIF", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("z.avif", {}),
        ("y.jpg", {}),
        # invented
        ("transparent.png", {"mode": "RGBA"}),
        ("grey.AVIF", {"mode": "L"}),
        ("moving.gif", {"save_all": True, "append_images": [Image.new("RGB", (48, 48), "red")]}),
    ],
)
def test_avif_among_jpegs_is_imported(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    for label, folder in enumerate("abcd"):
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / "0.jpg").write_bytes(photo(label))
        (tmp_path / "in" / folder / name).write_bytes(avif(10 + label, **options))
    with open_source(str(tmp_path / "in")) as source:
        report = import_pictures(source, tmp_path / "set")
    dataset = load_dataset(tmp_path / "set")
    assert (len(dataset.pictures), dataset.classes, report.broken) == (8, ("a", "b", "c", "d"), ())
