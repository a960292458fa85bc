"""What people call things, as things: a data set by slug, name or id, a model by name or id."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from kindred_client.client import Kindred
from kindred_client.errors import NotFound

Thing = Mapping[str, Any]
SHOWN = 10  # in a message


class Unknown(NotFound):
    """Nothing goes by that name."""

    def __init__(self, what: str, called: str, known: list[str]) -> None:
        there = f"; there are: {_some(known)}" if known else ""
        detail = f"no {what} is called {called!r}{there}"
        super().__init__({"type": "not-found", "title": "Not found", "status": 404, "detail": detail})


def dataset_of(client: Kindred, called: str) -> Thing:
    """Return the data set of that id, slug or name; a number is an id where there is such an id."""
    listed = client.datasets.list
    return _found("data set", called, client.datasets.get, lambda: listed(limit=1000), ("slug", "name"))


def model_of(client: Kindred, called: str) -> Thing:
    """Return the model of that id or name; a number is an id where there is such an id."""
    return _found("model", called, client.models.get, lambda: client.models.list(limit=1000), ("name",))


def _found(
    what: str, called: str, get: Callable[[int], Thing], listed: Callable[[], Iterable[Thing]], by: tuple[str, ...]
) -> Thing:
    if called.isascii() and called.isdecimal():
        try:
            return get(int(called))
        except NotFound:
            pass  # perhaps its name is a number
    things = list(listed())
    found = [thing for thing in things if called in (thing[field] for field in by)]
    if not found:
        raise Unknown(what, called, [str(thing[by[0]]) for thing in things])
    if len(found) > 1:
        which = _some([f"{thing['id']} ({', '.join(str(thing[field]) for field in by)})" for thing in found])
        raise click.UsageError(f"{called!r} is more than one {what}; say which by its id: {which}")
    return found[0]


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def settings_of(pairs: Iterable[str]) -> dict[str, Any]:
    """Return FIELD=VALUE words as a dict; what looks like a number is one."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not name or not sign:
            raise click.UsageError(f"{pair!r} is not valid; give FIELD=VALUE")
        if name in found:
            raise click.UsageError(f"{name} is given twice")
        found[name] = _number_or_text(value)
    return found


def _number_or_text(value: str) -> int | float | str:
    try:
        return int(value)
    except ValueError:
        pass
    try:
        number = float(value)
    except ValueError:
        return value
    return number if math.isfinite(number) else value  # JSON has no other numbers
