"""One person's word on single answers."""

from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet

from accounts.models import User
from ratings.errors import RatingRefused
from retrieval.errors import Refused
from retrieval.models import Image, Mark, Ranking, Search


def markable_rankings(user: User) -> QuerySet[Ranking]:
    """Return the answers this person may speak of: of their own searches, and of queries they have voted on."""
    voted = Q(search__owner=None, search__ballots__who=user, search__ballots__voted_at__isnull=False)
    return Ranking.objects.filter(Q(search__owner=user) | voted).select_related("search")


def mark(user: User, ranking: Ranking, image: int, value: int) -> Mark:
    """Store what a person says of an answer; saying it again changes it.

    Raises:
        RatingRefused: the picture is not among the answers, or the value is none of 0, 1, 2.
    """
    if value not in Mark.Value.values:
        raise RatingRefused(f"relevance is 0, 1 or 2, not {value}")
    if image not in ranking.image_ids or not Image.objects.filter(pk=image).exists():
        raise RatingRefused(f"picture {image} is not among these answers")
    relevance, _ = Mark.objects.update_or_create(who=user, ranking=ranking, image_id=image, defaults={"value": value})
    return relevance


def marks_of(user: User, rankings: Iterable[Ranking]) -> dict[tuple[int, int], int]:
    """Return a person's marks by (ranking, picture)."""
    rows = Mark.objects.filter(who=user, ranking__in=list(rankings))
    return {(ranking, image): value for ranking, image, value in rows.values_list("ranking", "image", "value")}


def moved_by_marks(
    user: User, search: Search, more: Collection[int], less: Collection[int]
) -> tuple[list[int], list[int]]:
    """Return the pictures that a person's marks move a search towards and away from, with what moved it before.

    What was marked in several columns goes by its best mark; a new mark wins over an earlier one.

    Raises:
        Refused: nothing is marked.
    """
    best: dict[int, int] = {}
    for (_, image), value in marks_of(user, search.rankings.all()).items():
        best[image] = max(value, best.get(image, 0))
    if not best:
        raise Refused("mark some answers first: No, Kin or Yes under a picture")
    liked = [image for image, value in best.items() if value != Mark.Value.NOT_IT]
    kept_more, kept_less = ([image for image in kept if image not in best] for kept in (more, less))
    return [*kept_more, *liked], [*kept_less, *(image for image in best if image not in liked)]
