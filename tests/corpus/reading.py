"""Reads the corpus in a process of its own: `python -m tests.corpus.reading pictures|archives COUNT SEED`.

One JSON line: how many were read and refused, what raised anything but the error that says so, what an import left
outside its folder, the seconds of the slowest, and the peak of resident memory above the start, in MB.
"""

import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mlcore.datasets import import_pictures, open_source
from mlcore.errors import DatasetError, PictureError
from mlcore.images.image_io import open_picture
from tests.corpus.archives import malformed_archives
from tests.corpus.pictures import malformed_pictures, valid_pictures

Case = tuple[str, bytes]


def read_picture(name: str, data: bytes) -> None:
    open_picture(data)


def read_archive(name: str, data: bytes) -> None:
    """Import an archive; nothing may lie beside it and the new folder, nor in the folder of temporary files."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        place = Path(folder)
        tempfile.tempdir = str(place / "temporary")
        Path(tempfile.tempdir).mkdir()
        (place / name).write_bytes(data)
        try:
            with open_source(place / name) as source:
                import_pictures(source, place / "out")
        finally:
            left = {path.name for path in place.iterdir()} - {name, "out", "temporary"}
            left |= {path.name for path in (place / "temporary").iterdir()}
            tempfile.tempdir = None
            if left:
                raise AssertionError(f"left behind: {sorted(left)}")


def go_through(cases: Iterable[Case], read: Callable[[str, bytes], None]) -> dict[str, Any]:
    """Return how the reading of all cases went."""
    counts, odd, slowest = {"read": 0, "refused": 0}, [], 0.0
    start = resident_peak()
    for name, data in cases:
        began = time.monotonic()
        try:
            read(name, data)
            counts["read"] += 1
        except (PictureError, DatasetError):
            counts["refused"] += 1
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is told
            odd.append(f"{name}: {error!r}")
        slowest = max(slowest, time.monotonic() - began)
    return {**counts, "odd": odd, "slowest": slowest, "megabytes": resident_peak() - start}


def resident_peak() -> float:
    """Return the most memory, in MB, that was resident in this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    kind, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    open_picture(valid_pictures()[0])  # what is imported at the first one is no cost of a malformed one
    sys.stdout.flush()
    out = os.dup(1)
    os.dup2(2, 1)  # decoders in C write to both
    result = (
        go_through(malformed_pictures(count, seed), read_picture)
        if kind == "pictures"
        else go_through(malformed_archives(count, seed), read_archive)
    )
    with contextlib.closing(os.fdopen(out, "w")) as answer:
        answer.write(json.dumps(result))
