"""The queue of a process for its encoders: pictures that wait are embedded together, one batch at a time.

One batch with all threads beats several that share them. Nobody waits for a batch to fill: whoever finds the queue
idle embeds at once, and who comes meanwhile is in the next batch. There is no thread of its own that could die or
outlive the process: of those that wait, the first one embeds for all that share its trunk, then the next one does.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from config.errors import Busy
from config.metrics import QUEUE_PICTURES

if TYPE_CHECKING:
    from mlcore.inference.encoder_protocol import PictureEncoder

Floats = NDArray[np.float32]
Squares = NDArray[np.uint8]

MOST_TOGETHER = 32
"""Pictures of a batch; a single request with more of them is a batch of its own."""
FIRST_PACE = 0.05  # seconds a picture, until there is a measured one
NEWEST = 0.2  # weight of the newest batch in the measured pace
BUSY = "many pictures are being searched right now; try again in a moment"


@dataclass(eq=False)
class _Ticket:
    """A request in the queue: squares [N, crop, crop, 3] and whose features are wanted; neither where it wants a turn.

    called: set when it is its turn (`leads`), or when its features or the error are there.
    """

    encoder: "PictureEncoder | None" = None
    squares: Squares | None = None
    called: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    features: Floats | None = None
    error: BaseException | None = None

    @property
    def count(self) -> int:
        return 1 if self.squares is None else len(self.squares)

    @property
    def trunk(self) -> str | None:
        return None if self.encoder is None else self.encoder.trunk


class EmbeddingQueue:
    """Takes turns: at most one batch or turn at a time; at most `settings.ENGINE_QUEUE` pictures are in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._waiting: deque[_Ticket] = deque()
        self._taken = False  # somebody embeds, or was told to
        self._pictures = 0  # that wait or are embedded
        self._pace = FIRST_PACE

    def features(self, encoder: "PictureEncoder", squares: Squares, patience: float = 0) -> Floats:
        """Return the features [N, F] of prepared squares [N, crop, crop, 3], perhaps embedded with those of others.

        patience: seconds to wait for a place in a full queue, and at least for the turn.

        Raises:
            Busy: the queue is full, or others take longer than ENGINE_SECONDS; `retry_after` is when they are done.
            Exception: what the encoder raises for these pictures.
        """
        ticket = _Ticket(encoder, squares)
        self._enter(ticket, patience)
        self._wait(ticket, patience)
        if ticket.leads:
            self._lead(ticket)
        if ticket.error is not None:
            raise ticket.error
        if ticket.features is None:
            raise RuntimeError("a batch ended without the features of one of its requests")
        return ticket.features

    @contextmanager
    def turn(self, patience: float = 0) -> Iterator[None]:
        """Let nobody embed during the block. Raises Busy as `features` does."""
        ticket = _Ticket()
        self._enter(ticket, patience)
        self._wait(ticket, patience)
        try:
            yield
        finally:
            self._finish([ticket])

    def _enter(self, ticket: _Ticket, patience: float) -> None:
        with self._lock:
            if not self._room.wait_for(lambda: self._has_room(ticket), patience):
                raise self._busy()
            self._pictures += ticket.count
            QUEUE_PICTURES.inc(ticket.count)
            if self._taken:
                self._waiting.append(ticket)
            else:
                self._taken = ticket.leads = True
                ticket.called.set()

    def _has_room(self, ticket: _Ticket) -> bool:
        return not self._pictures or self._pictures + ticket.count <= settings.ENGINE_QUEUE

    def _wait(self, ticket: _Ticket, patience: float) -> None:
        """Wait until a ticket is called; one that is still in the queue then leaves it."""
        if ticket.called.wait(max(patience, settings.ENGINE_SECONDS)):
            return
        with self._lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                self._release([ticket])
                raise self._busy()
        ticket.called.wait()  # it is being embedded

    def _lead(self, first: _Ticket) -> None:
        """Embed the pictures of a ticket, and of those in the queue that share its trunk."""
        with self._lock:
            batch = self._companions(first)
        started = time.perf_counter()
        try:
            _embed(batch)
        except BaseException as error:
            for ticket in batch:
                ticket.error = ticket.error or error
            raise
        finally:
            pace = (time.perf_counter() - started) / sum(ticket.count for ticket in batch)
            self._pace += NEWEST * (pace - self._pace)
            self._finish(batch)

    def _companions(self, first: _Ticket) -> list[_Ticket]:
        batch, count = [first], first.count
        for ticket in list(self._waiting):
            if ticket.trunk == first.trunk and count + ticket.count <= MOST_TOGETHER:
                self._waiting.remove(ticket)
                batch.append(ticket)
                count += ticket.count
        return batch

    def _finish(self, batch: Sequence[_Ticket]) -> None:
        """Call those of a batch, and the first of those that wait, whose turn it is."""
        with self._lock:
            self._release(batch)
            self._taken = bool(self._waiting)
            if self._waiting:
                following = self._waiting.popleft()
                following.leads = True
                following.called.set()
        for ticket in batch:
            ticket.called.set()

    def _release(self, tickets: Sequence[_Ticket]) -> None:
        count = sum(ticket.count for ticket in tickets)
        self._pictures -= count
        QUEUE_PICTURES.dec(count)
        self._room.notify_all()

    def _busy(self) -> Busy:
        return Busy(BUSY, retry_after=max(1, math.ceil(self._pictures * self._pace)))


def _embed(batch: Sequence[_Ticket]) -> None:
    """Fill in the features of all, or the error of each: pictures that fail together are tried one by one."""
    try:
        _embed_together(batch)
    except Exception as error:  # noqa: BLE001  whatever it is, those whose pictures they are raise it
        if len(batch) == 1:
            batch[0].error = error
            return
        for ticket in batch:
            _embed([ticket])


def _embed_together(batch: Sequence[_Ticket]) -> None:
    squares = [ticket.squares for ticket in batch if ticket.squares is not None]
    encoder = batch[0].encoder
    if encoder is None:
        raise RuntimeError("a turn has no pictures to embed")
    features = encoder.features_of_pixels(squares[0] if len(squares) == 1 else np.concatenate(squares))
    ends = np.cumsum([ticket.count for ticket in batch])
    if len(features) != ends[-1]:
        raise RuntimeError(f"the network gave {len(features)} rows for {ends[-1]} pictures")
    for ticket, rows in zip(batch, np.split(features, ends[:-1]), strict=True):
        ticket.features = rows
