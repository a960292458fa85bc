"""A site by its routes, and the command that speaks to it, as a shell would start it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner, Result

from kindred_client.cli import kindred
from tests.kindred_client.scripted import gives, refuses

Answer = Any  # what is given as JSON; or a response, an exception, a function of the request, a list of these in order
ADDRESS = "http://kindred.test"
TOKEN = "kin_a1b2c3"
SIGNED_IN = {"KINDRED_URL": ADDRESS, "KINDRED_TOKEN": TOKEN}
WINGS = {
    "id": 4, "slug": "wings", "name": "Wings", "classes": ["a", "b"], "report": {"images": 48}, "public": True,
    "licence": "CC0",
}  # fmt: skip
METRICS = [
    {"name": "recall_at_1", "title": "Recall@1", "scale": "share", "headline": False, "shown": ["report", "summary"]},
    {"name": "r_precision", "title": "R-Precision", "scale": "share", "headline": False, "shown": ["report"]},
    {"name": "map_at_r", "title": "MAP@R", "scale": "share", "headline": True, "shown": ["report", "summary"]},
]
MODEL = {
    "id": 3, "name": "SoftTriple", "loss": "soft_triple", "dataset": 4, "published": False,
    "metrics": {"map_at_r": 0.42, "recall_at": {"1": 0.71}, "intervals": {"map_at_r": [0.38, 0.46]}},
}  # fmt: skip


class Routes:
    """Answers "GET /datasets/" and so on; what is not there is not found."""

    def __init__(self, **answers: Answer) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[httpx.Request] = []

    def __setitem__(self, route: str, answer: Answer) -> None:
        self.answers[route] = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        route = f"{request.method} {request.url.path.removeprefix('/api/v1')}"
        if route not in self.answers:
            return refuses(404, "not-found")
        answer = self.answers[route]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Callable):  # type: ignore[arg-type]
            answer = answer(request)
        return answer if isinstance(answer, httpx.Response) else gives(answer)

    def asked(self, route: str) -> list[Any]:
        """Return the bodies that came on a route."""
        method, path = route.split()
        return [
            json.loads(request.content or b"null")
            for request in self.requests
            if (request.method, request.url.path) == (method, f"/api/v1{path}")
        ]


def page(*rows: Any) -> dict[str, Any]:
    return {"next": None, "previous": None, "results": [*rows]}


def run(site: Routes | None, *words: str | Path, stdin: str = "", **environment: str) -> Result:
    """Run the command; signed in unless `environment` says otherwise. Nothing unexpected may have happened."""
    transport = None if site is None else httpx.MockTransport(site)
    found = CliRunner().invoke(
        kindred, [str(word) for word in words], input=stdin, env={**SIGNED_IN, **environment}, obj=transport
    )
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert TOKEN not in found.output
    return found


def told(result: Result) -> Any:
    """Return the JSON that a command told when all was well."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
