"""Who offers what to keep: an app registers a kind of files in its `AppConfig.ready()`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.roles import Visitor
from retrieval.models import Dataset


@dataclass(frozen=True, kw_only=True)
class Download:
    """One file that can be kept.

    of: what it belongs to, a model or a report. color: the model's, None for what belongs to none.
    sha256: None where it is not known yet. route: the name of its address, and what that takes.
    """

    dataset: Dataset
    of: str
    color: int | None = None
    name: str
    about: str
    size: int
    created_at: datetime
    sha256: str | None
    route: tuple[Any, ...]


Listing = Callable[[Visitor, "QuerySet[Dataset]"], Iterable[Download]]
"""Called with who looks and the data sets asked for, which that person may see; gives what they may keep."""


@dataclass(frozen=True)
class Kind:
    """A kind of files: how the page calls it, what it says of all of them, and who lists them."""

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
