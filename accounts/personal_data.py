"""What each app knows of a person: it registers here how to export and how to erase it.

An app's `ready()` calls `register`. Apps above (searches, ratings) register after those below, so
erasing goes from the last registered to the first, and the account itself goes last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.models import User

Export = Callable[[User], Any]
Erase = Callable[[User], None]


@dataclass(frozen=True)
class Section:
    """One app's part of a person's data: `export` gives JSON, `erase` removes or makes anonymous."""

    export: Export
    erase: Erase


SECTIONS: dict[str, Section] = {}


def register(name: str, export: Export, erase: Erase) -> None:
    """Add a section.

    Raises:
        ValueError: another pair of functions has that name already.
    """
    section = Section(export, erase)
    if SECTIONS.setdefault(name, section) != section:
        raise ValueError(f"personal data named {name!r} is registered already; choose another name")


def export_all(user: User) -> dict[str, Any]:
    """Return everything known of `user`, by section."""
    return {name: section.export(user) for name, section in SECTIONS.items()}


def erase_all(user: User) -> None:
    """Erase everything known of `user`, the account last. Call it inside a transaction."""
    for section in reversed(SECTIONS.values()):
        section.erase(user)
