"""A server that answers as it is told, and keeps what it was asked."""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

import httpx

from kindred_client import Kindred

Script = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
JOB = {"id": 7, "kind": "import", "state": "queued", "result": None, "error": "", "phase": "", "done": 0, "total": 0}


class Server:
    """Gives the scripted answers in order; the last one again and again."""

    def __init__(self, *script: Script) -> None:
        self.script = deque(script)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.script.popleft() if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):  # a response is read once
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)

    def client(self, **wishes: Any) -> Kindred:
        """Return a client of this server that waits for nothing, and tells in `slept` how long it would have."""
        wishes = {"progress": False, **wishes}
        kindred = Kindred("http://kindred.test", "kin_secret", transport=httpx.MockTransport(self), **wishes)
        kindred._transport.sleep = self.slept.append
        return kindred

    def bodies(self) -> list[Any]:
        return [json.loads(request.content or b"null") for request in self.requests]


def gives(body: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def refuses(status: int, slug: str = "invalid", **more: Any) -> httpx.Response:
    headers = {"Content-Type": "application/problem+json", **more.pop("headers", {})}
    body = {"type": f"/api/problems/{slug}", "title": "No", "status": status, "detail": "not so", **more}
    return httpx.Response(status, json=body, headers=headers)
