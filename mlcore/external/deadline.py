"""A deadline after which a process ends itself: a thread in native code cannot be ended otherwise."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from mlcore.inference.encoder_process import BATCH
from mlcore.inference.encoder_protocol import PictureEncoder


class Deadline:
    """How long an external model may take to load and try, and for a batch, in seconds.

    `give_up` is called with a sentence, in another thread, when that is over; it ends the process.
    """

    def __init__(self, start_seconds: float, batch_seconds: float, give_up: Callable[[str], None]) -> None:
        self._start_seconds, self._batch_seconds, self._give_up = start_seconds, batch_seconds, give_up

    @contextmanager
    def for_start(self) -> Iterator[None]:
        """Bound the block by the time for loading and trying."""
        with self._within(self._start_seconds, "could not be loaded and tried"):
            yield

    @contextmanager
    def for_batch(self) -> Iterator[None]:
        """Bound the block by the time for a batch."""
        with self._within(self._batch_seconds, f"did not embed {BATCH} pictures"):
            yield

    @contextmanager
    def _within(self, seconds: float, failure: str) -> Iterator[None]:
        timer = threading.Timer(seconds, self._give_up, [f"the model {failure} within {seconds:g} s"])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


class BoundedEncoder(PictureEncoder):
    """An encoder whose every batch has a deadline."""

    def __init__(self, encoder: PictureEncoder, deadline: Deadline) -> None:
        super().__init__(encoder.preprocessing, encoder.weights_sha256)
        self._encoder, self._deadline = encoder, deadline

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self._encoder.dim

    def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit-length embeddings [N, dim] of prepared squares [N, crop, crop, 3]."""
        size, blocks = max(BATCH, self._encoder.batch), []
        for start in range(0, len(pixels), size):
            with self._deadline.for_batch():
                blocks.append(self._encoder.embed_pixels(pixels[start : start + size]))
        return np.concatenate(blocks)
