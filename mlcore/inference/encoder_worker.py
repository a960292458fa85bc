"""The process of an external model: loads one encoder, then embeds what its parent sends, until that goes.

python -m mlcore.inference.encoder_worker FOLDER --threads N
"""

import argparse
import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mlcore.errors import MlcoreError
from mlcore.inference.encoder_messages import (
    EMBED,
    EXPLAIN,
    HEADER,
    PROBLEM,
    READY,
    REQUEST_BYTES,
    SHARES,
    VECTORS,
    header_of,
    read_header,
)
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.inference.model_files import load_encoder, read_description

Request = tuple[bytes, bytes]


def main() -> int:
    """Answer until standard input ends; 1 where the model cannot be loaded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    answers = _own_output()
    requests: queue.Queue[Request] = queue.Queue(1)
    threading.Thread(target=_read_requests, args=(sys.stdin.buffer, requests), daemon=True).start()
    try:
        encoder = _load(options.folder, options.threads)
    except MlcoreError as error:
        _send_problem(answers, error)
        return 1
    _send(answers, READY, json.dumps({"dim": encoder.dim, "batch": encoder.batch}).encode())
    while True:
        kind, body = requests.get()
        try:
            _send(answers, *_answer(encoder, kind, body))
        except MlcoreError as error:
            _send_problem(answers, error)


def _own_output() -> BinaryIO:
    """Return standard output for messages alone; what native code prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _read_requests(stream: BinaryIO, requests: "queue.Queue[Request]") -> None:
    """Queue what comes in; end the process when the parent is gone, whatever it computes meanwhile.

    PR_SET_PDEATHSIG would not do: it follows the thread that started this process, and a web server ends idle ones.
    """
    while True:
        header = stream.read(HEADER.size)
        if len(header) < HEADER.size:
            os._exit(0)
        kind, length = read_header(header, REQUEST_BYTES)
        body = stream.read(length)
        if len(body) < length:
            os._exit(0)
        requests.put((kind, body))


def _load(folder: Path, threads: int) -> PictureEncoder:
    if read_description(folder)["kind"] == "timm":
        import torch

        torch.set_num_threads(threads)
    return load_encoder(folder, threads)


def _answer(encoder: PictureEncoder, kind: bytes, body: bytes) -> tuple[bytes, bytes]:
    side = encoder.preprocessing.crop
    pixels: NDArray[np.uint8] = np.frombuffer(body, np.uint8).reshape(-1, side, side, 3)
    if kind == EXPLAIN:
        return SHARES, json.dumps(_shares_of(encoder, pixels)).encode()
    if kind != EMBED:
        raise ValueError(f"no request is named {kind!r}")
    return VECTORS, np.ascontiguousarray(encoder.embed_pixels(pixels), "<f4").tobytes()


def _shares_of(encoder: PictureEncoder, pixels: NDArray[np.uint8]) -> dict[str, object]:
    from mlcore.inference.explain import explain_pixels

    return explain_pixels(encoder, pixels).to_json()


def _send(answers: BinaryIO, kind: bytes, body: bytes) -> None:
    answers.write(header_of(kind, body))
    answers.write(body)
    answers.flush()


def _send_problem(answers: BinaryIO, error: MlcoreError) -> None:
    _send(answers, PROBLEM, json.dumps({"error": type(error).__name__, "message": str(error)}).encode())


if __name__ == "__main__":
    sys.exit(main())
