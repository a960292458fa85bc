"""Kinds of downloads; apps register theirs in `AppConfig.ready()`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.roles import Visitor
from retrieval.models import Dataset


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file to download.

    of: the model or report that it belongs to. color: that of the model, None without one.
    size and sha256: None of a file that is written when somebody downloads it; sha256 also where no worker has read a
    large file yet. route: the name of its URL, and the URL's arguments.
    """

    dataset: Dataset
    of: str
    color: int | None = None
    name: str
    about: str
    size: int | None
    created_at: datetime
    sha256: str | None
    route: tuple[Any, ...]


Listing = Callable[[Visitor, "QuerySet[Dataset]"], Iterable[Download]]
"""Called with a person and data sets that they may see; returns the files that they may download."""


@dataclass(frozen=True)
class Kind:
    """A kind of downloads: its title and description on the page, and the function that lists them."""

    title: str
    about: str
    listing: Listing


KINDS: dict[str, Kind] = {}


def register(name: str, title: str, about: str, listing: Listing) -> None:
    """Add a kind of files.

    Raises:
        ValueError: another kind has that name already.
    """
    kind = Kind(title, about, listing)
    if KINDS.setdefault(name, kind) != kind:
        raise ValueError(f"downloads named {name!r} are registered already; choose another name")
