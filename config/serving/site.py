"""The ASGI application: a body arrives in the event loop, then a thread answers."""

import asyncio
import io
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import IO, Any, TypeVar

from django.conf import settings

from config.bodies.guard import ARRIVED, ASKS, MOST_HEADER
from config.bodies.rooms import BATCH, PICTURE
from config.overload import is_disk_full
from config.serving.answering import Answer, Application, Reply, Send
from config.serving.arrival import Arrival, Gone, Receive, Streamed
from config.serving.environ import Environ, environ_of

PIECE_BYTES = 2**16
MOST = MOST_HEADER.lower().encode()

T = TypeVar("T")


class Places:
    """Threads of one kind of work, and how many of them are taken: nobody waits for one in a queue."""

    def __init__(self, count: int, name: str) -> None:
        self.threads, self.free = ThreadPoolExecutor(count, name), count

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread that is free."""
        self.free -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.threads, work)
        finally:
            self.free += 1


class Site:
    """A WSGI application behind an event loop that takes bodies in and lets answers go out."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.threads = ThreadPoolExecutor(settings.WEB_THREADS, "web")
        self.uploads = Places(settings.UPLOADS_AT_ONCE, "upload")  # of curators
        self.batches = Places(settings.UPLOADS_AT_ONCE, "batch")  # of members, who cannot keep curators waiting
        self.downloads = Places(settings.DOWNLOADS_AT_ONCE, "download")
        self.arriving = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; nothing but HTTP is spoken here."""
        if scope["type"] != "http":
            return
        environ, answer = environ_of(scope), Answer(send)
        with suppress(ConnectionError, TimeoutError):  # the client went away, or takes nothing
            if not _has_body(environ):
                await self._answer(environ, io.BytesIO(), answer, receive)
            elif self.arriving >= settings.BODIES_AT_ONCE:
                await self._refuse(environ, "crowd", answer, Arrival(receive))
            else:
                await self._take_in(environ, Arrival(receive), answer)

    async def _take_in(self, environ: Environ, arrival: Arrival, answer: Answer) -> None:
        length, most = _length(environ), int(settings.FORM_MAX_BYTES)
        if length is None or length > most:
            reply = await self._reply(environ | {ASKS: True})
            if MOST not in reply.headers:
                await arrival.drop()
                await self._send(reply, environ, answer)
                return
            most = int(reply.headers[MOST])
        if length is not None and length > PICTURE.bytes:
            await self._stream(environ, arrival, answer, most)
            return
        self.arriving += 1
        try:
            whole = await _whole(arrival, most)
        finally:
            self.arriving -= 1
        if isinstance(whole, str):
            await self._refuse(environ, whole, answer, arrival)
            return
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        with whole:
            await self._answer(environ | {"CONTENT_LENGTH": str(arrival.bytes)}, whole, answer, arrival.receive)

    async def _stream(self, environ: Environ, arrival: Arrival, answer: Answer, most: int) -> None:
        """Let a large body be read while it arrives, where there is a place for one."""
        places = self.batches if most <= BATCH.bytes else self.uploads
        if not places.free:
            await self._refuse(environ, "crowd", answer, arrival)
            return
        body = io.BufferedReader(Streamed(arrival, answer.loop), PIECE_BYTES)
        reply = await places.run(partial(Reply, self.application, environ | {"wsgi.input": body}))
        await arrival.drop()  # what was refused before it had come
        await self._send(reply, environ, answer)

    async def _reply(self, environ: Environ) -> Reply:
        """Return what the application answers to a request without a body."""
        work = partial(Reply, self.application, {"wsgi.input": io.BytesIO()} | environ)
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    async def _refuse(self, environ: Environ, fault: str, answer: Answer, arrival: Arrival) -> None:
        await arrival.drop()
        await self._send(await self._reply(environ | {ARRIVED: fault}), environ, answer)

    async def _answer(self, environ: Environ, body: IO[bytes], answer: Answer, receive: Receive) -> None:
        """Answer a request that has arrived whole; stop when the client goes away."""
        watching = asyncio.create_task(_note_when_gone(receive, answer))
        try:
            await self._send(await self._reply(environ | {"wsgi.input": body}), environ, answer)
        finally:
            watching.cancel()

    async def _send(self, reply: Reply, environ: Environ, answer: Answer) -> None:
        """Send an answer; a long one only where there is a place for it."""
        if not reply.is_long:
            await reply.send(answer)
        elif self.downloads.free:
            await self.downloads.run(partial(reply.send_long, answer))
        else:
            await asyncio.get_running_loop().run_in_executor(self.threads, reply.close)
            crowded = await self._reply(environ | {ARRIVED: "crowd"})
            await crowded.send(answer)


async def _whole(arrival: Arrival, most: int) -> IO[bytes] | str:
    """Return the body, or which of the guard's faults it has."""
    try:
        body = await arrival.whole(min(most, PICTURE.bytes))
    except Gone:
        raise
    except TimeoutError:
        return "slow"
    except OSError as error:
        if is_disk_full(error):
            return "full"
        raise
    return body or ("long" if most <= PICTURE.bytes else "unending")


async def _note_when_gone(receive: Receive, answer: Answer) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    answer.gone = True


def _has_body(environ: Environ) -> bool:
    return "HTTP_TRANSFER_ENCODING" in environ or environ.get("CONTENT_LENGTH", "0") != "0"


def _length(environ: Environ) -> int | None:
    """Return the length that was announced; None where the body itself tells it, which then is what counts."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        environ.pop("CONTENT_LENGTH", None)
        return None
    announced = environ["CONTENT_LENGTH"]
    return int(announced) if announced.isdecimal() else None
