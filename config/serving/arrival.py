"""A body on its way: taken in piece by piece, and cut when it takes too long in all."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from io import RawIOBase
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.conf import settings

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
DROPPED_BYTES, DROP_SECONDS = 2**26, 3
IN_MEMORY_BYTES = 2**16  # of a body that is taken in whole; the rest lies in a temporary file


class Gone(ConnectionError):
    """The client went away before the body was complete."""


class Arrival:
    """The pieces of one body."""

    def __init__(self, receive: Receive) -> None:
        self.receive, self.began, self.bytes, self.more = receive, time.monotonic(), 0, True

    async def piece(self) -> bytes:
        """Return the next piece; b"" at the end.

        Raises:
            TimeoutError: the body is slower than BODY_BYTES_PER_SECOND, after BODY_SECONDS of grace.
            Gone: the client went away.
        """
        while self.more:
            due = self.began + settings.BODY_SECONDS + self.bytes / settings.BODY_BYTES_PER_SECOND
            message = await asyncio.wait_for(self.receive(), max(0, due - time.monotonic()))
            if message["type"] == "http.disconnect":
                raise Gone("the client went away")
            self.more = message.get("more_body", False)
            piece: bytes = message.get("body", b"")
            self.bytes += len(piece)
            if piece:
                return piece
        return b""

    async def whole(self, most: int) -> IO[bytes] | None:
        """Return the body from its beginning, in memory or in a temporary file; None when it is longer than that."""
        body: IO[bytes] = SpooledTemporaryFile(IN_MEMORY_BYTES, dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115  the caller closes it
        try:
            while piece := await self.piece():
                if self.bytes > most:
                    body.close()
                    return None
                body.write(piece)
        except BaseException:
            body.close()
            raise
        body.seek(0)
        return body

    async def drop(self) -> None:
        """Let what still comes fall, for a moment, before a refusal: whoever is cut while sending may not read it."""
        most = self.bytes + DROPPED_BYTES
        with suppress(TimeoutError, Gone):
            async with asyncio.timeout(DROP_SECONDS):
                while self.bytes < most and await self.piece():
                    pass


class Streamed(RawIOBase):
    """A body that a thread reads while it arrives in the event loop."""

    def __init__(self, arrival: Arrival, loop: asyncio.AbstractEventLoop) -> None:
        self.arrival, self.loop, self.left = arrival, loop, b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Put the next bytes into the buffer; return how many."""
        if not self.left:
            self.left = asyncio.run_coroutine_threadsafe(self.arrival.piece(), self.loop).result()
        taken, self.left = self.left[: len(buffer)], self.left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)
