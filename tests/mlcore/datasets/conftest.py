"""Tiny pictures and folders to import."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlcore.datasets import Source, SourceItem


def jpeg(seed: int, width: int = 24, height: int = 20) -> bytes:
    """A small JPEG, another one for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def write_files(tmp_path: Path) -> Callable[..., Path]:
    """Write {path: bytes, or None for a fresh picture} below a folder and return the folder."""

    def write(files: dict[str, bytes | None], folder: str = "set") -> Path:
        top = tmp_path / folder
        for seed, (path, data) in enumerate(files.items()):
            target = top / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(jpeg(seed) if data is None else data)
        return top

    return write


def source_of(classes: dict[str, list[bytes]], train: int, name: str = "tiny") -> Source:
    """A source in memory; the first `train` classes train."""

    def reader(data: bytes) -> Callable[[], bytes]:
        return lambda: data

    items = [
        SourceItem(f"{class_name}/{number}.jpg", label, "train" if label < train else "test", reader(data))
        for label, (class_name, pictures) in enumerate(classes.items())
        for number, data in enumerate(pictures)
    ]
    return Source(name, "free", tuple(classes), items, "memory")


@pytest.fixture
def make_source() -> Callable[..., Source]:
    """Return `source_of`."""
    return source_of


@pytest.fixture
def make_jpeg() -> Callable[..., bytes]:
    """Return `jpeg`."""
    return jpeg


@pytest.fixture
def four_classes() -> Source:
    """Four classes of three pictures, two of them to train."""
    return source_of({f"kind {c}": [jpeg(10 * c + n) for n in range(3)] for c in range(4)}, train=2)
