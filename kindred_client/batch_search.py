"""Thousands of searches: sent in batches, several in parallel, yielded in order."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kindred_client import response_types
from kindred_client.api import Answer, Api, key
from kindred_client.errors import Busy, Problem, ServerFault, Throttled, TooLarge, Unreachable, problem_from
from kindred_client.parallel import in_order
from kindred_client.progress import bar
from kindred_client.transport import pause_before

Item = str | Path | int | Mapping[str, object]
Found = response_types.SearchesCreate | Problem
MOST_SEARCHES, MOST_BYTES = 20, 32 * 2**20  # per request; the server takes 50, but each takes its time
OF_ONE_BATCH = (ServerFault, Throttled, TooLarge)  # any other problem of a batch would be that of all


@dataclass
class Batch:
    """The searches of one request: with files that were read, or with pictures that the server can get itself."""

    of_files: bool
    searches: list[Any] = field(default_factory=list)  # (name, content) of a file; {image_id} or {image_url}; Problem
    size: int = 0

    @property
    def asked(self) -> list[Any]:
        return [search for search in self.searches if not isinstance(search, Problem)]


def search_many(
    api: Api, pictures: Iterable[Item], options: Mapping[str, Any], *, workers: int, total: int | None
) -> Iterator[Found]:
    """Yield the search of each picture, or its Problem, in order.

    Raises:
        Problem: the options or the token are refused: no search is possible.
        Unreachable: two batches in a row got no response.
    """
    count = len(pictures) if total is None and isinstance(pictures, Sized) else total
    silent = False
    with bar("searching", count, "picture", progress=api.progress) as line:
        for batch, found in in_order(
            lambda batch: (batch, _ask(api, batch, options)), _batches(pictures), workers=workers
        ):
            if isinstance(found, Unreachable):
                if silent:
                    raise found
                found, silent = [_local("unreachable", found)] * len(batch.asked), True
            else:
                silent = False
            waiting = iter(found)
            for search in batch.searches:
                line.update()
                yield search if isinstance(search, Problem) else next(waiting)


def _ask(api: Api, batch: Batch, options: Mapping[str, Any]) -> list[Found] | Unreachable:
    if not batch.asked:
        return []
    try:
        found = _answered(api, batch.of_files, batch.asked, options)
    except OF_ONE_BATCH as problem:
        return [problem] * len(batch.asked)
    except Unreachable as error:
        return error
    _ask_busy_again(api, batch, options, found)
    return found


def _ask_busy_again(api: Api, batch: Batch, options: Mapping[str, Any], found: list[Found]) -> None:
    """Repeat the searches that met a busy server, in their places; the others stay, whatever happens."""
    for attempt in range(api.transport.retries):
        busy = [place for place, one in enumerate(found) if isinstance(one, Busy)]
        if not busy:
            return
        api.transport.sleep(pause_before(attempt))
        try:
            again = _answered(api, batch.of_files, [batch.asked[place] for place in busy], options)
        except (Problem, Unreachable) as error:  # a problem of all is met by the next batch as well
            met = error if isinstance(error, Problem) else _local("unreachable", error)
            found[:] = [met if isinstance(one, Busy) else one for one in found]
            return
        for place, one in zip(busy, again, strict=True):
            found[place] = one


def _answered(api: Api, of_files: bool, asked: Sequence[Any], options: Mapping[str, Any]) -> list[Found]:
    if of_files:
        sent: dict[str, Any] = {"data": as_form(options), "files": [("files", part) for part in asked]}
    else:
        sent = {"json": {"searches": [{**search, **options} for search in asked]}}
    rows = api.call("searches.batch", Answer, **sent)["results"]
    return [row["search"] if "search" in row else problem_from(row["problem"]) for row in rows]


def as_form(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a multipart form: nested values are written as JSON."""
    return {name: json.dumps(value) if isinstance(value, Mapping) else value for name, value in options.items()}


def _batches(pictures: Iterable[Item]) -> Iterator[Batch]:
    """Cut them where one request is full, or where files and others meet."""
    batch = Batch(of_files=False)
    for picture in pictures:
        search, size = _search_with(picture)
        of_files = isinstance(search, tuple)
        fits = len(batch.searches) < MOST_SEARCHES and batch.size + size <= MOST_BYTES
        if batch.searches and not (fits and (batch.of_files == of_files or isinstance(search, Problem))):
            yield batch
            batch = Batch(of_files)
        if not batch.asked:
            batch.of_files = of_files
        batch.searches.append(search)
        batch.size += size
    if batch.searches:
        yield batch


def _search_with(picture: Item) -> tuple[Any, int]:
    """Return the picture as a request has it, and its size in bytes."""
    if isinstance(picture, int | Mapping):
        return {"image_id": key(picture)}, 0
    if isinstance(picture, str) and picture.startswith(("http://", "https://")):
        return {"image_url": picture}, 0
    try:
        content = Path(picture).read_bytes()
    except OSError as error:
        return _local("unreadable-file", error), 0
    return (Path(picture).name, content), len(content)


def _local(slug: str, error: Exception) -> Problem:
    """Return the problem of a picture that never reached the server."""
    return Problem({"type": slug, "title": "Not sent", "detail": str(error)})
