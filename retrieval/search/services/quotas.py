"""How much of searches a person may keep; nothing is deleted to make room, for only its owner knows what is wanted.

Searches that run at the same moment count each other only once they are stored, so a quota may be passed by as many.
"""

import os
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Max, Q, QuerySet

from accounts.models import User
from accounts.personal_data import MEGABYTE, Used
from config.compiled_queries import CompiledQuery
from config.errors import QuotaReached
from retrieval.models import Search

KEPT_SECONDS = 3600  # how long a sum is remembered


def check_room(user: User, *, picture: bool) -> None:
    """Check that a person may store one more search, `picture`: with a picture of their own.

    Raises:
        QuotaReached: they keep as many as they may.
    """
    stored, uploads, last = _counts_of(user)
    if stored >= settings.SEARCHES_MAX:
        raise QuotaReached(f"you keep {stored:,} searches, the most allowed; delete some in your history")
    if picture and _bytes_of(user, uploads, last) >= settings.QUERIES_MAX_BYTES:
        most = settings.QUERIES_MAX_BYTES // MEGABYTE
        raise QuotaReached(f"your query pictures take {most:,} MB, the most allowed; delete searches in your history")


_UPLOADED = Q(root=None, query_image=None)

_counts = CompiledQuery[tuple[int, int, datetime | None]](
    lambda owner: (
        Search.objects.filter(owner=owner)
        .order_by()
        .values("owner")
        .annotate(
            searches=Count("pk"),
            uploads=Count("pk", filter=_UPLOADED),
            newest=Max("created_at", filter=_UPLOADED),
        )
        .values_list("searches", "uploads", "newest")
    )
)


def _counts_of(user: User) -> tuple[int, int, datetime | None]:
    """Return how many searches a person keeps, how many of them have a picture of their own, and when the last came."""
    rows = _counts(user.pk)
    return rows[0] if rows else (0, 0, None)


def query_bytes(user: User) -> int:
    """Return the bytes of the pictures that a person searched with.

    Thousands of files are too many to read at every upload, so the last sum is remembered, and only what came since is
    added; where rows are gone, their number no longer fits, and all files are read.
    """
    _, uploads, last = _counts_of(user)
    return _bytes_of(user, uploads, last)


def note_query(search: Search, size: int) -> None:
    """Add the picture of a search that was just stored to the sum, so that its file need not be looked at."""
    key = _key_of(search.owner_id)
    kept = cache.get(key)
    if kept is not None:
        count, sum_before, _ = kept
        cache.set(key, (count + 1, sum_before + size, search.created_at), KEPT_SECONDS)


def _key_of(owner: int | None) -> str:
    return f"query-bytes-{owner}"


def _bytes_of(user: User, uploads: int, last: datetime | None) -> int:
    """Return the bytes of a person's pictures, of which there are so many, the last of a moment.

    Each web process may remember a sum of its own, so the number alone does not tell that a sum is of now.
    """
    kept: tuple[int, int, datetime | None] | None = cache.get(_key_of(user.pk))
    count, size, newest = kept or (0, 0, None)
    if kept is not None and (count, newest) == (uploads, last):
        return size
    own = Search.objects.filter(_UPLOADED, owner=user).order_by("created_at")
    count, size, newest = _extended(own, count, size, newest)
    if (count, newest) != (uploads, last):
        count, size, newest = _extended(own, 0, 0, None)
    cache.set(_key_of(user.pk), (count, size, newest), KEPT_SECONDS)
    return size


def _extended(
    own: QuerySet[Search], count: int, size: int, newest: datetime | None
) -> tuple[int, int, datetime | None]:
    """Return number, bytes and last moment of the searches, given those of the searches up to a moment."""
    came = (own.filter(created_at__gt=newest) if newest else own).values_list("pk", "created_at")
    folder = str(Search.upload_folder())
    size += sum(_size_of(f"{folder}/{Search.upload_name(pk)}") for pk, _ in came)
    return count + len(came), size, came[len(came) - 1][1] if came else newest


def _size_of(file: str) -> int:
    """Return the bytes of a file, 0 where there is none."""
    try:
        return os.stat(file).st_size  # noqa: PTH116  a path object takes longer than the question
    except FileNotFoundError:
        return 0


def used_searches(user: User) -> list[Used]:
    """Return what a person keeps of searches, and what they may."""
    return [
        Used("Searches, refinements included", Search.objects.filter(owner=user).count(), settings.SEARCHES_MAX),
        Used("Query pictures", query_bytes(user), settings.QUERIES_MAX_BYTES, in_bytes=True),
    ]
