"""What it costs to decode pictures: resident memory and seconds, each picture in a process of its own.

    for decoding in decode_apart([data, more], seconds=20):
        assert decoding.megabytes < 300 and not decoding.crash

One child process imports everything once and forks for each picture, so that nothing of one picture is left for the
next, and a crash or an endless loop ends one fork only.
"""

import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 2**20


@dataclass(frozen=True)
class Decoding:
    """One picture decoded, or refused.

    megabytes: the peak of resident memory above that before the picture's bytes were read. size: of what came out;
    None for a picture that was refused with the sentence `refusal`. crash: what else ended it, "" for nothing.
    """

    megabytes: float
    seconds: float
    size: tuple[int, int] | None = None
    refusal: str = ""
    crash: str = ""


def decode_apart(pictures: Iterable[bytes], *, seconds: int = 60, **limits: int) -> Iterator[Decoding]:
    """Yield what each picture costs, in order; `limits` go to `open_picture`, `seconds` bound a picture's time."""
    command = [sys.executable, "-m", "tests.mlcore.peak_memory", json.dumps([seconds, limits])]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("the child has no pipes")
        for data in pictures:
            child.stdin.write(struct.pack(">Q", len(data)) + data)
            child.stdin.flush()
            told = json.loads(child.stdout.readline())
            yield Decoding(**{**told, "size": told["size"] and tuple(told["size"])})
        child.stdin.close()


def _serve(seconds: int, limits: dict[str, int]) -> None:
    """Fork for each picture on the standard input; a line of JSON on the standard output tells its cost."""
    from mlcore.images import image_io

    image_io.open_picture(_warm())  # codecs load when they are first used
    while header := _read(8):
        count = struct.unpack(">Q", header)[0]
        started = time.perf_counter()
        results, told = os.pipe()
        fork = os.fork()
        if fork == 0:
            try:
                _decode_in_fork(told, seconds, count, limits)
            finally:
                os._exit(1)  # what it raised is on the standard error
        os.close(told)
        with os.fdopen(results, "rb") as end:
            outcome = end.read()
        _, status, usage = os.wait4(fork, 0)
        answer: dict[str, Any] = json.loads(outcome) if outcome else {"size": None, "before": 0.0}
        if status:
            answer["crash"] = f"ended with {os.waitstatus_to_exitcode(status)}"
        answer["megabytes"] = round(usage.ru_maxrss / 1024 - answer.pop("before"), 1)
        answer["seconds"] = round(time.perf_counter() - started, 3)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _decode_in_fork(told: int, seconds: int, count: int, limits: dict[str, int]) -> None:
    signal.alarm(seconds)
    before = resident()
    os.write(told, json.dumps({"before": before, **_decoded(_read(count), limits)}).encode())
    os._exit(0)


def _decoded(data: bytes, limits: dict[str, int]) -> dict[str, Any]:
    from mlcore.errors import PictureError
    from mlcore.images import image_io

    try:
        return {"size": image_io.open_picture(data, **limits).size}
    except PictureError as error:
        return {"size": None, "refusal": str(error)}


def _warm() -> bytes:
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG")
    return buffer.getvalue()


def resident() -> float:
    """Return the megabytes that this process has in memory; those of libraries come when a fork first uses them."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / MEGABYTE


def _read(count: int) -> bytes:
    """Return `count` bytes of the standard input without a buffer, which a fork would not share; fewer at its end."""
    parts = bytearray()
    while len(parts) < count and (part := os.read(0, min(count - len(parts), MEGABYTE))):
        parts += part
    return bytes(parts)


if __name__ == "__main__":
    _serve(*json.loads(sys.argv[1]))
