"""One request, sent until it is answered: what is tried again, and how long is waited in between."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import httpx

from kindred_client.errors import KindredError, Unreachable, problem_of, retry_after_of

VERSION = "0.2.0"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds
MOST_PATIENCE = 600.0  # seconds; who asks to come again later than that is not waited for
NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
COME_AGAIN = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)  # said before anything was done
GATEWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)  # whether it was done is unknown

DIRECT = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}  # no proxy knows this machine

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """What is sent. `again`: sending it twice does what sending it once does."""

    method: str
    path: str
    again: bool
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)  # params, json, data and files of httpx


def base_of(url: str) -> str:
    """Return where the API of that site is; with or without /api/v1 at the end.

    Raises:
        KindredError: it is no http or https URL.
    """
    url = url.strip().rstrip("/").removesuffix("/api/v1")
    if not url.startswith(("http://", "https://")) or not url.partition("://")[2]:
        raise KindredError(f"the URL must begin with http:// or https://, got {url!r}")
    return f"{url}/api/v1"


def pause_before(attempt: int) -> float:
    """Return the seconds to wait after that many failures: doubled each time, and never at once with others."""
    return random.uniform(0.5, 1.0) * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**attempt)  # noqa: S311  # no secret


def read_whole(response: httpx.Response) -> httpx.Response:
    response.read()
    return response


class Transport:
    """The connections to one site. Threads may share it."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float,
        retries: int,
        via: httpx.BaseTransport | None = None,
    ) -> None:
        self.base = base_of(url)
        self.retries = retries
        self.sleep = time.sleep
        headers = {"Accept": "application/json, */*;q=0.5", "User-Agent": f"kindred-client/{VERSION}"}
        if token:
            headers["Authorization"] = f"Token {token}"
        self._http = httpx.Client(
            headers=headers, timeout=httpx.Timeout(timeout, connect=10), transport=via, mounts=DIRECT
        )

    def close(self) -> None:
        self._http.close()

    def send(self, request: Request, receive: Callable[[httpx.Response], T]) -> T:
        """Send it, again where that is safe, and return what `receive` makes of the answer.

        Raises:
            Problem: the server refused.
            Unreachable: no answer came.
        """
        attempt = 0
        while True:
            try:
                outcome = self._once(request, receive, last=attempt >= self.retries)
            except httpx.TransportError as error:
                safe = request.again or isinstance(error, NOTHING_SENT)
                if attempt >= self.retries or not safe:
                    raise Unreachable(_unanswered(request, self.base, error, attempt + 1)) from error
                pause = pause_before(attempt)
            else:
                if not isinstance(outcome, _Later):
                    return outcome
                pause = pause_before(attempt) if outcome.seconds is None else outcome.seconds
            self.sleep(pause)
            attempt += 1

    def _once(self, request: Request, receive: Callable[[httpx.Response], T], *, last: bool) -> "T | _Later":
        sent = self._http.build_request(
            request.method, self.base + request.path, headers=dict(request.headers), **request.content
        )
        response = self._http.send(sent, stream=True)
        try:
            if response.is_success:
                return receive(response)
            response.read()
        finally:
            response.close()
        wait = retry_after_of(response)
        worth = response.status_code in COME_AGAIN or (request.again and response.status_code in GATEWAY)
        if last or not worth or (wait or 0) > MOST_PATIENCE:
            raise problem_of(response)
        return _Later(wait)


@dataclass(frozen=True)
class _Later:
    """The server asked to come again, in so many seconds if it said how many."""

    seconds: float | None


def _unanswered(request: Request, base: str, error: httpx.TransportError, tries: int) -> str:
    why = str(error) or type(error).__name__
    after = f" after {tries} tries" if tries > 1 else ""
    sent = "" if request.again or isinstance(error, NOTHING_SENT) else "; whether it was done is unknown"
    return f"{request.method} {base}{request.path}: no answer{after} ({why}){sent}"
