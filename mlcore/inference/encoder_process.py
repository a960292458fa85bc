"""An encoder in a process of its own, for external models: it can be ended, whatever it computes.

One picture can keep a network busy for hours, or make it take all memory; a thread cannot be ended, a process can.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mlcore.errors import CheckpointError, EncoderEnded, EncoderFailed, ExplanationError, MlcoreError, WeightsError
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encoder_messages import EMBED, EXPLAIN, PROBLEM, READY, SHARES, VECTORS
from mlcore.inference.encoder_pipes import NO_ANSWER, MessagePipes
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.inference.explanation import Explanation
from mlcore.inference.model_files import read_description

ROOT = Path(__file__).resolve().parents[2]
BATCH = 8
"""Pictures that have one deadline together; a network whose batch is fixed gets that many."""
INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
"""All that it gets of the environment: passwords and keys of the site are none of its business."""
RAISED: dict[str, type[MlcoreError]] = {
    error.__name__: error for error in (CheckpointError, ExplanationError, WeightsError)
}

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessLimits:
    """How long a process may load and how long it may take for a batch, in seconds, and how much memory."""

    start_seconds: float
    batch_seconds: float
    memory_bytes: int


class EncoderProcess(PictureEncoder):
    """The encoder of a model's folder, computed by a child process that `close` ends; for one thread at a time.

    Raises:
        CheckpointError, WeightsError: as `load_encoder`.
        EncoderFailed: it did not load within the limits.
    """

    def __init__(self, folder: Path, limits: ProcessLimits, threads: int = 1, argv: Sequence[str] = ()) -> None:
        description = read_description(folder)
        super().__init__(Preprocessing.from_json(description["preprocessing"]), description["weights_sha256"])
        self._limits = limits
        worker = [sys.executable, "-m", "mlcore.inference.encoder_worker", str(folder), "--threads", str(threads)]
        env = {name: os.environ[name] for name in INHERITED if name in os.environ} | {"OMP_NUM_THREADS": str(threads)}
        self._pipes = MessagePipes(argv or worker, cwd=ROOT, env=env, memory_bytes=limits.memory_bytes)
        try:
            kind, body = self._pipes.receive(limits.start_seconds)
            self._dim, self._batch = self._understood(READY, _sizes_in, kind, body)
        except MlcoreError:
            self.close()
            raise

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self._dim

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._pipes.pid

    @property
    def has_ended(self) -> bool:
        """Whether it can embed no more: a failure ends it."""
        return self._pipes.has_ended

    def close(self) -> None:
        """End the process."""
        self._pipes.close()

    def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit-length embeddings [N, dim] of prepared squares [N, crop, crop, 3].

        Raises:
            EncoderFailed: a batch took too long or too much memory, the process crashed, or the network gave no
                embedding.
        """
        blocks = [self._embed(pixels[start : start + self._batch]) for start in range(0, len(pixels), self._batch)]
        return np.concatenate(blocks)

    def _embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        def vectors_in(body: bytes) -> NDArray[np.float32]:
            return np.frombuffer(body, "<f4").reshape(len(pixels), self._dim).astype(np.float32)

        try:
            return self._understood(VECTORS, vectors_in, *self._ask(EMBED, pixels))
        except WeightsError as error:  # it was loaded and tried: this picture is what it cannot embed
            raise EncoderFailed(str(error)) from error

    def explain_pixels(self, pixels: NDArray[np.uint8]) -> Explanation:
        """Return what each place of two prepared squares [2, crop, crop, 3] brings to their cosine.

        Raises:
            ExplanationError: the network does not show its places.
            EncoderFailed: as for `embed_pixels`.
        """
        return self._understood(SHARES, _explanation_in, *self._ask(EXPLAIN, pixels))

    def _ask(self, kind: bytes, pixels: NDArray[np.uint8]) -> tuple[bytes, bytes]:
        return self._pipes.ask(kind, np.ascontiguousarray(pixels).tobytes(), self._limits.batch_seconds)

    def _understood(self, wanted: bytes, read: Callable[[bytes], T], kind: bytes, body: bytes) -> T:
        """Return what an answer says, or raise the error that it is."""
        try:
            if kind == PROBLEM:
                raise _error_in(body)
            if kind != wanted:
                raise ValueError(f"{kind!r} is no answer to that")
            return read(body)
        except (KeyError, TypeError, ValueError):
            self.close()
            raise EncoderEnded(NO_ANSWER) from None


def _sizes_in(body: bytes) -> tuple[int, int]:
    """Return the length of an embedding and how many pictures the network wants at a time."""
    ready = json.loads(body)
    return int(ready["dim"]), max(BATCH, int(ready["batch"]))


def _explanation_in(body: bytes) -> Explanation:
    return Explanation.from_json(json.loads(body))


def _error_in(body: bytes) -> MlcoreError:
    problem = json.loads(body)
    return RAISED.get(problem["error"], EncoderFailed)(str(problem["message"]))
