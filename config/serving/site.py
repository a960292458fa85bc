"""The ASGI application: a body arrives in the event loop, then a thread answers."""

import asyncio
import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any

from django.conf import settings

from config.bodies.guard import ARRIVED, ASKS
from config.bodies.rooms import PICTURE
from config.full_disk import is_disk_full
from config.serving.answering import Answer, Application, Send, call
from config.serving.arrival import Arrival, Gone, Receive, Streamed
from config.serving.environ import Environ, environ_of

PIECE_BYTES = 2**16


class Site:
    """A WSGI application behind an event loop that takes bodies in."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.threads = ThreadPoolExecutor(settings.WEB_THREADS, "web")
        self.uploads = ThreadPoolExecutor(settings.UPLOADS_AT_ONCE, "upload")
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
                await Arrival(receive).drop()
                await self._refuse(environ, "crowd", answer)
            else:
                await self._take_in(environ, Arrival(receive), answer)

    async def _take_in(self, environ: Environ, arrival: Arrival, answer: Answer) -> None:
        length, most = _length(environ), int(settings.FORM_MAX_BYTES)
        if length is None or length > most:
            allowed = await self._ask(environ, answer)
            if not isinstance(allowed, int):
                await arrival.drop()
                for message in allowed:
                    await answer.send(message)
                return
            most = allowed
        self.arriving += 1
        try:
            if length is not None and length > PICTURE.bytes:
                body = io.BufferedReader(Streamed(arrival, answer.loop), PIECE_BYTES)
                await self._in_thread(self.uploads, environ | {"wsgi.input": body}, answer)
                return
            whole = await _whole(arrival, most)
        finally:
            self.arriving -= 1
        if isinstance(whole, str):
            await arrival.drop()
            await self._refuse(environ, whole, answer)
            return
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        with whole:
            await self._answer(environ | {"CONTENT_LENGTH": str(arrival.bytes)}, whole, answer, arrival.receive)

    async def _ask(self, environ: Environ, answer: Answer) -> int | list[Mapping[str, Any]]:
        """Return how long the body may be, or the messages of a refusal."""
        messages: list[Mapping[str, Any]] = []
        asking = environ | {ASKS: True, "wsgi.input": io.BytesIO()}
        await answer.loop.run_in_executor(self.threads, call, self.application, asking, messages.append)
        return int(messages[1]["body"]) if messages[0]["status"] == 200 else messages

    async def _refuse(self, environ: Environ, fault: str, answer: Answer) -> None:
        await self._in_thread(self.threads, environ | {ARRIVED: fault, "wsgi.input": io.BytesIO()}, answer)

    async def _answer(self, environ: Environ, body: IO[bytes], answer: Answer, receive: Receive) -> None:
        """Answer a request that has arrived whole; stop when the client goes away."""
        watching = asyncio.create_task(_note_when_gone(receive, answer))
        try:
            await self._in_thread(self.threads, environ | {"wsgi.input": body}, answer)
        finally:
            watching.cancel()

    async def _in_thread(self, threads: ThreadPoolExecutor, environ: Environ, answer: Answer) -> None:
        await answer.loop.run_in_executor(threads, call, self.application, environ, answer.send_from_thread)


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
    told = environ["CONTENT_LENGTH"]
    return int(told) if told.isdecimal() else None
