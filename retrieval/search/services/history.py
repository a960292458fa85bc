"""A person's search history: an entry per picture, searches saved under a name, and their removal."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower

from accounts.models import User
from config.errors import Rejected
from retrieval.datasets.services.visibility import shown_images
from retrieval.models import Image, Ranking, Search
from retrieval.search.services.access import remove_searches, roots_of, visible_searches

NAME_LENGTH = 80  # what the database's column holds
SAVED = ~Q(name="")
FIRST = 3  # pictures shown of what a search found


def entries_of(user: User) -> QuerySet[Any]:
    """Return a person's searches without their refinements, the last used first.

    Each has `refined`, how many refinements; `newest`, the last of all its searches, and `newest_at`, when
    that was; and `has_saved`, whether one of them is saved.
    """
    later = Search.objects.filter(root=OuterRef("pk")).order_by("-created_at")
    saved = Search.objects.filter(SAVED, Q(pk=OuterRef("pk")) | Q(root=OuterRef("pk")))
    entries = roots_of(user).annotate(
        refined=Count("refinements", filter=Q(refinements__deleted_at=None)),
        newest=Coalesce(Subquery(later.values("pk")[:1]), F("pk")),
        newest_at=Coalesce(Subquery(later.values("created_at")[:1]), F("created_at")),
        has_saved=Exists(saved),
    )
    return entries.order_by("-newest_at")


def saved_of(user: User) -> QuerySet[Search]:
    """Return a person's saved searches by name, refinements among them."""
    return visible_searches(user).filter(SAVED).order_by(Lower("name"), "-created_at")


def first_results(user: User, searches: Collection[UUID]) -> dict[UUID, list[Image]]:
    """Return the first pictures that the first model of each search found, those that this person may see."""
    rankings: dict[UUID, list[int]] = {}
    rows = Ranking.objects.filter(search__in=searches).order_by("-pk")
    for search, keys in rows.values_list("search", "image_ids"):
        rankings[search] = keys[:FIRST]
    images = shown_images(user).named().in_bulk({key for keys in rankings.values() for key in keys})
    return {search: [images[key] for key in keys if key in images] for search, keys in rankings.items()}


def save_search(search: Search, name: str) -> None:
    """Save a search under a name; a saved one gets that name instead of its own.

    Raises:
        Rejected: the name is empty or too long.
    """
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    if not name:
        raise Rejected("a saved search needs a name; enter one")
    if len(name) > NAME_LENGTH:
        raise Rejected(f"a name has at most {NAME_LENGTH} characters, not {len(name)}")
    search.name = name
    search.save(update_fields=["name"])


def unsave_search(search: Search) -> None:
    """Remove a search's name; it stays in the history."""
    search.name = ""
    search.save(update_fields=["name"])


def delete_all(user: User, *, saved: bool) -> int:
    """Remove a person's searches with their pictures; return how many entries went.

    saved: also entries with a saved search; otherwise such an entry stays whole, because a refinement needs the
    picture of its first search.
    """
    return remove_searches(entries_of(user) if saved else entries_of(user).filter(has_saved=False))
