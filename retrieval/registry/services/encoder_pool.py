"""The processes of external models: few, kept warm, each for one request at a time."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mlcore.inference.encoder_process import EncoderProcess
from retrieval.errors import ModelUnavailable


@dataclass
class _Place:
    process: EncoderProcess | None = None
    callers: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class EncoderPool:
    """At most `most` processes; of one model at most `queue` callers, one served and the others waiting.

    A model that hangs keeps only its own callers waiting, and never more than most * queue threads in all. Where
    another model needs a process, the least recently used one that is idle ends.
    """

    def __init__(self, most: int, queue: int) -> None:
        self._most, self._queue = most, queue
        self._places: OrderedDict[object, _Place] = OrderedDict()
        self._changed = threading.Condition()
        self._callers = 0

    @contextmanager
    def process(self, key: object, start: Callable[[], EncoderProcess], patience: float) -> Iterator[EncoderProcess]:
        """Yield the process of a model, which nobody else uses meanwhile; it is started where there is none.

        Raises:
            ModelUnavailable: it is not free within `patience` seconds, or too many wait for it already.
        """
        until = time.monotonic() + patience
        place = self._enter(key, until)
        try:
            if not place.lock.acquire(timeout=max(0.0, until - time.monotonic())):
                raise ModelUnavailable(BUSY)
            try:
                yield self._running(place, start)
            finally:
                place.lock.release()
        finally:
            with self._changed:
                place.callers -= 1
                self._callers -= 1
                self._changed.notify_all()

    @staticmethod
    def _running(place: _Place, start: Callable[[], EncoderProcess]) -> EncoderProcess:
        if place.process is not None and place.process.has_ended:
            place.process.close()
            place.process = None
        if place.process is None:
            place.process = start()
        return place.process

    def _enter(self, key: object, until: float) -> _Place:
        with self._changed:
            if self._callers >= self._most * self._queue:
                raise ModelUnavailable(BUSY)
            self._callers += 1
            try:
                place = self._place_of(key, until)
            except BaseException:
                self._callers -= 1
                raise
            place.callers += 1
            return place

    def _place_of(self, key: object, until: float) -> _Place:
        while True:
            place = self._places.get(key)
            if place is not None:
                if place.callers >= self._queue:
                    raise ModelUnavailable(BUSY)
                self._places.move_to_end(key)
                return place
            if len(self._places) < self._most or self._drop_idle():
                return self._places.setdefault(key, _Place())
            if not self._changed.wait(until - time.monotonic()):
                raise ModelUnavailable(BUSY)

    def _drop_idle(self) -> bool:
        """End the least recently used process that nobody uses; False where all are in use."""
        idle = next((key for key, place in self._places.items() if not place.callers), None)
        if idle is None:
            return False
        process = self._places.pop(idle).process
        if process is not None:
            process.close()
        return True

    def close(self) -> None:
        """End every process."""
        with self._changed:
            while self._places:
                _, place = self._places.popitem()
                if place.process is not None:
                    place.process.close()


BUSY = "the model embeds other pictures; try again in a moment"
