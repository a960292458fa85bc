"""Marks on single results: who may give them, one person's marks, and how they refine a search."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import User
from config.errors import Rejected
from retrieval.models import Image, Mark, Ranking, Search


@dataclass(frozen=True)
class Others:
    """Results of searches without an owner that a person may mark.

    rankings: the filter of their rankings, for one person. url: the page on which that person sees a search.
    """

    rankings: Callable[[User], Q]
    url: Callable[[User, Search], str]


_OTHERS: list[Others] = []


def register(others: Others) -> None:
    """Let people mark results beside those of their own searches; an app above says which in `AppConfig.ready()`."""
    if others not in _OTHERS:
        _OTHERS.append(others)


def markable_rankings(user: User) -> QuerySet[Ranking]:
    """Return the rankings whose results this person may mark: of their own searches, and what apps above add."""
    allowed = Q(search__owner=user, search__deleted_at=None)
    for others in _OTHERS:
        allowed |= others.rankings(user)
    return Ranking.objects.filter(allowed).select_related("search")


def page_of(user: User, search: Search) -> str:
    """Return the URL of the page on which a person marks the results of a search."""
    if search.owner_id is not None:
        return reverse("search-detail", args=[search.pk])
    return next(others.url(user, search) for others in _OTHERS)


def own_marks(user: User) -> QuerySet[Mark]:
    """Return a person's marks, the newest first; without those in searches that were deleted a moment ago."""
    marks = Mark.objects.filter(who=user, ranking__search__deleted_at=None).order_by("-rated_at", "-pk")
    return marks.select_related("ranking__model", "ranking__search", "image__dataset_class")


def remove_mark(mark: Mark) -> None:
    """Remove a mark; idempotent."""
    Mark.objects.filter(pk=mark.pk).delete()


def mark(user: User, ranking: Ranking, image: int, value: int) -> Mark:
    """Store a person's mark on a result, instead of an earlier one.

    Raises:
        Rejected: the picture is not among the results, or the value is none of 0, 1, 2.
    """
    if value not in Mark.Value.values:
        raise Rejected(f"a mark is 0, 1 or 2, not {value}")
    if image not in ranking.image_ids or not Image.objects.filter(pk=image).exists():
        raise Rejected(f"picture {image} is not among these results")
    stored, _ = Mark.objects.update_or_create(who=user, ranking=ranking, image_id=image, defaults={"value": value})
    return stored


def restore_mark(user: User, ranking: Ranking, image: int, value: int, rated_at: datetime) -> None:
    """Store a person's removed mark again, with the moment at which it was given; one given since stays.

    Raises:
        Rejected: as `mark`.
    """
    if Mark.objects.filter(who=user, ranking=ranking, image=image).exists():
        return
    restored = mark(user, ranking, image, value)
    Mark.objects.filter(pk=restored.pk).update(rated_at=min(rated_at, restored.rated_at))


def marks_of(user: User, rankings: Iterable[int]) -> dict[tuple[int, int], int]:
    """Return a person's marks by (ranking, image), of these rankings."""
    rows = Mark.objects.filter(who=user, ranking__in=list(rankings))
    return {(ranking, image): value for ranking, image, value in rows.values_list("ranking", "image", "value")}


def refined_by_marks(
    user: User, search: Search, more_like: Collection[int], less_like: Collection[int]
) -> tuple[list[int], list[int]]:
    """Return more_like and less_like with the images that a person marked in a search.

    An image marked in several columns counts by its best mark. A mark wins over the lists.

    Raises:
        Rejected: nothing is marked.
    """
    best: dict[int, int] = {}
    for (_, image), value in marks_of(user, search.rankings.values_list("pk", flat=True)).items():
        best[image] = max(value, best.get(image, 0))
    if not best:
        raise Rejected("mark some results first: No, Same kind or Exactly this")
    positive = [image for image, value in best.items() if value != Mark.Value.NO]
    kept_more, kept_less = ([image for image in kept if image not in best] for kept in (more_like, less_like))
    return [*kept_more, *positive], [*kept_less, *(image for image in best if image not in positive)]
