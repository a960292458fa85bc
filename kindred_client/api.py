"""Calls of operations by their name in the table; `Resource` is the base of every group of them."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx

from kindred_client.downloads import Download
from kindred_client.errors import Unreachable
from kindred_client.operations import OPERATIONS
from kindred_client.pages import Pages
from kindred_client.transport import Request, Transport, read_whole

T = TypeVar("T")
Ref = int | str | Mapping[str, object]  # an id, or an answer that has one
Fields = Iterable[str]
Part = tuple[str, tuple[str, IO[bytes]]]


class Answer(dict[str, Any]):
    """An object as the server gave it, with its `etag`."""

    etag: str = ""


def etag(answer: Mapping[str, object]) -> str:
    """Return the mark of the state that the answer shows: as `if_match`, a change is refused if that is past."""
    return str(getattr(answer, "etag", ""))


def key(ref: Ref) -> int | str:
    """Return the id: of an id, itself."""
    if not isinstance(ref, Mapping):
        return ref
    value = ref["id"]
    return value if isinstance(value, int) else str(value)


def keys(refs: Iterable[Ref]) -> list[int | str]:
    return [key(ref) for ref in refs]


def given(**values: Any) -> dict[str, Any]:
    """Return what was given: not None. Sequences become lists, a `Fields` list one comma-separated word."""
    sent = {name: value for name, value in values.items() if value is not None}
    if "fields" in sent:
        sent["fields"] = ",".join(sent["fields"])
        if not sent["fields"]:
            del sent["fields"]
    return sent


def opened(field: str, path: str | Path, stack: ExitStack) -> Part:
    """Return a file as a part of a multipart form, open until the stack closes."""
    where = Path(path)
    return field, (where.name, stack.enter_context(where.open("rb")))


class Api:
    """The operations of one site."""

    def __init__(self, transport: Transport, progress: bool | None) -> None:
        self.transport = transport
        self.progress = progress

    def call(self, name: str, shape: type[T], *ids: Ref, **sent: Any) -> T:
        """Call an operation and return its answer; `shape` is for type checkers.

        `sent`: query, json, data, files; key (of idempotency) and if_match.
        """
        answer: T = self.receive(name, answer_of, *ids, **sent)
        return answer

    def receive(self, name: str, receive: Callable[[httpx.Response], T], *ids: Ref, **sent: Any) -> T:
        """Call an operation and return what `receive` makes of the response, its headers too."""
        return self.transport.send(self._request(name, ids, **sent), receive)

    def pages(self, name: str, shape: type[T], *ids: Ref, query: Mapping[str, Any]) -> Pages[T]:
        """Return the rows of a list; `shape` is that of one row, for type checkers."""

        def ask(cursor: Mapping[str, Any]) -> Mapping[str, Any]:
            page: Mapping[str, Any] = self.call(name, Answer, *ids, query={**query, **cursor})
            return page

        return Pages(ask)

    def download(self, name: str, *ids: Ref, query: Mapping[str, Any] | None = None) -> Download:
        request = self._request(name, ids, query=query)
        return Download(lambda receive: self.transport.send(request, receive))

    def _request(
        self,
        name: str,
        ids: Iterable[Ref],
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        key: str = "",
        if_match: str = "",
    ) -> Request:
        operation = OPERATIONS[name]
        headers = {"If-Match": if_match} if if_match else {}
        if operation.starts_job:
            headers["Idempotency-Key"] = key or uuid4().hex
        # Sent twice, a change that is tied to a state would be refused for having been made.
        by_method = operation.method == "GET" or (operation.method in ("PATCH", "DELETE") and not if_match)
        content = {"params": query, "json": json, "data": data, "files": files}
        return Request(
            operation.method,
            filled(operation.path, ids),
            operation.starts_job or operation.repeatable or by_method,
            headers,
            {part: value for part, value in content.items() if value is not None},
        )


class Resource:
    """A group of methods."""

    def __init__(self, api: Api) -> None:
        self._api = api


def filled(path: str, ids: Iterable[Ref]) -> str:
    """Return the path with the ids in the place of its names, in order."""
    waiting = iter(ids)
    parts = [quote(str(key(next(waiting))), safe="") if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


def answer_of(response: httpx.Response) -> Any:
    """Return the JSON of an answer: an object with its ETag, None when there is none."""
    body = read_whole(response)
    if not body.content:
        return None
    try:
        value = body.json()
    except ValueError as error:
        raise Unreachable(f"{body.url} answered with what is no JSON: there is no Kindred site") from error
    if isinstance(value, dict):
        value = Answer(value)
        value.etag = body.headers.get("ETag", "")
    return value
