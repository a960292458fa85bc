"""A WSGI application is called in a thread; its answer goes out without one, or through threads of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings

from config.serving.environ import Environ

Message = Mapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

HELD_BYTES = 2**20  # of a file that is held in memory while it goes out, so that it costs no thread


class Answer:
    """What a client takes of an answer, as fast as it does, but not for ever."""

    def __init__(self, send: Send) -> None:
        self._send, self.loop = send, asyncio.get_running_loop()
        self.gone, self._due = False, 0.0

    async def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            ConnectionError: the client went away.
            TimeoutError: it takes the answer slower than BODY_BYTES_PER_SECOND, after ANSWER_SECONDS of grace.
        """
        if self.gone:
            raise ConnectionError("the client went away")
        self._due = self._due or time.monotonic() + settings.ANSWER_SECONDS
        await asyncio.wait_for(self._send(message), max(0, self._due - time.monotonic()))
        self._due += len(message.get("body", b"")) / settings.BODY_BYTES_PER_SECOND

    def send_from_thread(self, message: Message) -> None:
        """Send a message from another thread than the event loop's, and wait until it is on its way."""
        asyncio.run_coroutine_threadsafe(self.send(message), self.loop).result()


class Reply:
    """What an application answers: `head` at once; `body` as well, but for a long one, which `send_body` produces."""

    def __init__(self, application: Application, environ: Environ) -> None:
        self.head: Message = {}
        self.body: bytes = b""
        self._pieces = application(environ, self._start)
        self.headers = dict(self.head["headers"])
        length = self.headers.get(b"content-length", b"")
        held = not getattr(self._pieces, "streaming", False) or (length.isdigit() and int(length) <= HELD_BYTES)
        self.is_long = not held
        if held:
            try:
                self.body = b"".join(self._pieces)
            finally:
                self.close()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.head = {"type": "http.response.start", "status": int(status.split(" ", 1)[0]), "headers": pairs}

    async def send(self, answer: Answer) -> None:
        """Send an answer that is held."""
        await answer.send(self.head)
        await answer.send({"type": "http.response.body", "body": self.body, "more_body": False})

    def send_long(self, answer: Answer) -> None:
        """Send an answer piece by piece from this thread; what it opened is closed, whatever becomes of the client."""
        with suppress(ConnectionError, TimeoutError):
            try:
                answer.send_from_thread(self.head)
                for piece in self._pieces:
                    if piece:
                        answer.send_from_thread({"type": "http.response.body", "body": piece, "more_body": True})
                answer.send_from_thread({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                self.close()

    def close(self) -> None:
        """Let go of what the application opened for the answer."""
        close: Callable[[], None] = getattr(self._pieces, "close", lambda: None)
        close()
