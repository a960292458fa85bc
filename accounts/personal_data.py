"""Registry of personal data: each app registers how to export and erase what it stores about a person.

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


MEGABYTE = 2**20


@dataclass(frozen=True)
class Used:
    """How much of a quota a person uses."""

    name: str
    used: int
    allowed: int
    in_bytes: bool = False

    def __str__(self) -> str:
        """Return `3 of 10`, or megabytes."""
        if self.in_bytes:
            return f"{self.used / MEGABYTE:,.1f} of {self.allowed // MEGABYTE:,} MB"
        return f"{self.used:,} of {self.allowed:,}"


Quotas = Callable[[User], list[Used]]
QUOTAS: list[Quotas] = []


def register_quotas(quotas: Quotas) -> None:
    """Register an app's quotas; the page of personal data shows them."""
    if quotas not in QUOTAS:
        QUOTAS.append(quotas)


def used_by(user: User) -> list[Used]:
    """Return the quotas of a person and how much of them is used."""
    return [used for quotas in QUOTAS for used in quotas(user)]


SECTIONS: dict[str, Section] = {}


def register(name: str, export: Export, erase: Erase) -> None:
    """Add a section.

    Raises:
        ValueError: another pair of functions has that name already.
    """
    section = Section(export, erase)
    if SECTIONS.setdefault(name, section) != section:
        raise ValueError(f"personal data named {name!r} is registered already; choose another name")


def export_all(user: User) -> dict[str, object]:
    """Return everything stored about `user`, by section."""
    return {name: section.export(user) for name, section in SECTIONS.items()}


def erase_all(user: User) -> None:
    """Erase everything stored about `user`, the account last. Call it inside a transaction."""
    for section in reversed(SECTIONS.values()):
        section.erase(user)
