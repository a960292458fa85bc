"""Pictures decoded once for every run: raw pixels in one memory-mapped file."""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mlcore import artifacts
from mlcore.datasets.catalogue import DatasetFolder, Picture
from mlcore.datasets.parallel_map import in_order
from mlcore.errors import DatasetError, PictureError
from mlcore.events import Progress, no_progress
from mlcore.images.image_io import open_picture, resize_short_side

logger = logging.getLogger(__name__)

FORMAT = 2
"""2 since colours are converted to sRGB by embedded profiles: earlier caches hold other pixels."""

_PIXELS = "pixels.bin"
_SHAPES = "shapes.npy"
_OFFSETS = "offsets.npy"
_CONTENTS = "contents.txt"  # the SHA-256 of each picture, in the order of the pixels
_FILES = (_PIXELS, _SHAPES, _OFFSETS, _CONTENTS)
_MANIFEST = "manifest.json"
_WAIT_SECONDS = 0.2


class PixelCache:
    """The pixels of a data set's rows, as read-only views of one mapped file.

    Shapes: cache[row] is [H, W, 3], uint8, RGB, with the short side of the cache.
    """

    def __init__(
        self, pixels: npt.NDArray[np.uint8], places: npt.NDArray[np.int64], interpolation: str = "bicubic"
    ) -> None:
        """Take the mapped file and, for each row of the data set, (offset, height, width)."""
        self.interpolation = interpolation
        self._pixels = pixels
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, row: int) -> npt.NDArray[np.uint8]:
        start, height, width = (int(value) for value in self._places[row])
        return self._pixels[start : start + height * width * 3].reshape(height, width, 3)

    def repeated(self, count: int) -> "PixelCache":
        """Return a cache of so many rows that show these pictures again and again."""
        return PixelCache(self._pixels, self._places[np.arange(count) % len(self)], self.interpolation)


def open_cache(
    dataset: DatasetFolder,
    short_side: int,
    root: Path,
    progress: Progress = no_progress,
    *,
    interpolation: str = "bicubic",
) -> PixelCache:
    """Return the pixels of `dataset` with that short side, built below `root` when not there yet.

    Processes that ask at once build once: the others wait, hearing progress("cache", 0, 0).
    A damaged cache, or one of another FORMAT, is built again, with a warning in the log. A picture that already has
    the short side is stored exactly as decoded.

    Raises:
        DatasetError: a picture of the data set is gone or no longer decodes.
    """
    folder = cache_folder(dataset, short_side, root, interpolation)
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root / f".{folder.name}.lock", progress):
        if folder.exists() and (fault := _fault_of(folder, dataset, short_side)):
            logger.warning("pixel cache %s cannot be used (%s); building it again", folder.name, fault)
            shutil.rmtree(folder)
        if not folder.exists():
            with artifacts.published(folder) as scratch:
                _build(dataset, short_side, scratch, progress, interpolation=interpolation)
        return _opened(folder, dataset, interpolation)


def cache_folder(dataset: DatasetFolder, short_side: int, root: Path, interpolation: str = "bicubic") -> Path:
    """Return where the pixels of a data set are, or will be, kept."""
    suffix = "" if interpolation == "bicubic" else f"-{interpolation}"
    return root / f"{dataset.fingerprint[:16]}-{short_side}{suffix}"


@contextmanager
def _alone(lock: Path, progress: Progress) -> Iterator[None]:
    """Hold an exclusive lock on a file; the system drops it when its holder dies."""
    with lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                progress("cache", 0, 0)  # may raise Stopped
                time.sleep(_WAIT_SECONDS)
        yield


def _build(dataset: DatasetFolder, short_side: int, folder: Path, progress: Progress, *, interpolation: str) -> None:
    """Decode every picture into `folder`; the manifest, written last, holds each file's checksum."""

    def pixels_of(picture: Picture) -> npt.NDArray[np.uint8]:
        try:
            image = open_picture(dataset.picture_path(picture).read_bytes())
        except (OSError, PictureError) as error:
            raise DatasetError(
                f"picture {picture.path} of data set {dataset.name} cannot be read any more: {error}; import again"
            ) from error
        return np.asarray(resize_short_side(image, short_side, interpolation))

    shapes = np.empty((len(dataset.pictures), 2), dtype=np.int64)
    digest = hashlib.sha256()
    with (folder / _PIXELS).open("wb") as file, closing(in_order(pixels_of, dataset.pictures)) as decoded:
        for row, pixels in enumerate(decoded):
            data = pixels.tobytes()
            digest.update(data)
            file.write(data)
            shapes[row] = pixels.shape[:2]
            progress("cache", row + 1, len(shapes))
    np.save(folder / _SHAPES, shapes)
    np.save(folder / _OFFSETS, _offsets(shapes))
    (folder / _CONTENTS).write_text("".join(f"{picture.sha256}\n" for picture in dataset.pictures))
    checksums = {name: artifacts.sha256_of_file(folder / name) for name in _FILES if name != _PIXELS}
    checksums[_PIXELS] = digest.hexdigest()
    about = {"format": FORMAT, "fingerprint": dataset.fingerprint, "short_side": short_side}
    artifacts.write_json(folder / _MANIFEST, {**about, "sha256": checksums})


def _offsets(shapes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where each picture's bytes begin in the file of pixels."""
    ends = np.cumsum(shapes.prod(axis=1) * 3)
    return np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1]])


def _fault_of(folder: Path, dataset: DatasetFolder, short_side: int) -> str:
    """Return what is wrong with a cache, "" when nothing is.

    Checksums are computed once per machine and state (size, time, inode) of the files: they
    take 0.3 s for 4,704 pictures at 160 px, half a minute for the largest benchmarks.
    """
    try:
        manifest = artifacts.read_json(folder / _MANIFEST)
        if manifest["format"] != FORMAT:
            return f"another version of Kindred built it, as format {manifest['format']}"
        asked = {"format": FORMAT, "fingerprint": dataset.fingerprint, "short_side": short_side}
        if {key: manifest[key] for key in asked} != asked:
            return "it was built for something else"
        marker = folder / f".verified-{socket.gethostname()}"
        state = _state_of(folder)
        if marker.exists() and marker.read_text() == state:
            return ""
        for name in _FILES:
            if artifacts.sha256_of_file(folder / name) != manifest["sha256"][name]:
                return f"the checksum of {name} is wrong"
        marker.write_text(state)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _state_of(folder: Path) -> str:
    """Return what changes whenever a file of the cache is written to or replaced."""
    stats = {name: (folder / name).stat() for name in (*_FILES, _MANIFEST)}
    return json.dumps({name: [stat.st_size, stat.st_mtime_ns, stat.st_ino] for name, stat in stats.items()})


def _opened(folder: Path, dataset: DatasetFolder, interpolation: str) -> PixelCache:
    """Map the pixels; rows are found by content, for catalogues may order the same pictures differently."""
    os.utime(folder)  # when it was last used, for whoever clears away what is not
    shapes = np.load(folder / _SHAPES)
    offsets = np.load(folder / _OFFSETS)
    position = {sha256: row for row, sha256 in enumerate((folder / _CONTENTS).read_text().split())}
    order = np.array([position[picture.sha256] for picture in dataset.pictures])
    places = np.column_stack([offsets[order], shapes[order]])
    return PixelCache(np.asarray(np.memmap(folder / _PIXELS, dtype=np.uint8, mode="r")), places, interpolation)
