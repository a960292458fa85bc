"""A WSGI application is called in a thread; its answer goes out through the event loop, piece by piece."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from django.conf import settings

from config.serving.environ import Environ

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Answer:
    """What a client takes of an answer, as fast as it does, but not for ever."""

    def __init__(self, send: Send) -> None:
        self._send, self.loop = send, asyncio.get_running_loop()
        self.gone = False

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send a message.

        Raises:
            ConnectionError: the client went away.
            TimeoutError: it has not taken the piece in ANSWER_SECONDS.
        """
        if self.gone:
            raise ConnectionError("the client went away")
        await asyncio.wait_for(self._send(message), settings.ANSWER_SECONDS)

    def send_from_thread(self, message: Mapping[str, Any]) -> None:
        """Send a message from another thread than the event loop's, and wait until it is on its way."""
        asyncio.run_coroutine_threadsafe(self.send(message), self.loop).result()


def call(application: Application, environ: Environ, send: Callable[[Mapping[str, Any]], None]) -> None:
    """Call the application and send its answer; what it opened is closed, whatever becomes of the client."""

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        send({"type": "http.response.start", "status": int(status.split(" ", 1)[0]), "headers": pairs})

    pieces = application(environ, start_response)
    try:
        for piece in pieces:
            if piece:
                send({"type": "http.response.body", "body": piece, "more_body": True})
        send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        close: Callable[[], None] = getattr(pieces, "close", lambda: None)
        close()
