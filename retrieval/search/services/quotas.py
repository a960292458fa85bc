"""How much of searches a person may keep; nothing is deleted to make room, for only its owner knows what is wanted.

Searches that run at the same moment count each other only once they are stored, so a quota may be passed by as many.
"""

from django.conf import settings
from django.db.models import Count, Sum

from accounts.models import User
from accounts.personal_data import MEGABYTE, Used
from config.compiled_queries import CompiledQuery
from config.errors import QuotaReached
from retrieval.models import Search


def check_room(user: User, *, picture: bool) -> None:
    """Check that a person may store one more search, `picture`: with a picture of their own.

    Raises:
        QuotaReached: they keep as many as they may.
    """
    stored, size = _counts_of(user)
    if stored >= settings.SEARCHES_MAX:
        raise QuotaReached(f"you keep {stored:,} searches, the most allowed; delete some in your history")
    if picture and size >= settings.QUERIES_MAX_BYTES:
        most = settings.QUERIES_MAX_BYTES // MEGABYTE
        raise QuotaReached(f"your query pictures take {most:,} MB, the most allowed; delete searches in your history")


_counts = CompiledQuery[tuple[int, int]](
    lambda owner: (
        Search.objects.filter(owner=owner)
        .order_by()
        .values("owner")
        .annotate(searches=Count("pk"), bytes=Sum("upload_bytes"))
        .values_list("searches", "bytes")
    )
)


def _counts_of(user: User) -> tuple[int, int]:
    """Return how many searches a person keeps, and the bytes of the pictures that they searched with."""
    rows = _counts(user.pk)
    return rows[0] if rows else (0, 0)


def used_searches(user: User) -> list[Used]:
    """Return what a person keeps of searches, and what they may."""
    stored, size = _counts_of(user)
    return [
        Used("Searches, refinements included", stored, settings.SEARCHES_MAX),
        Used("Query pictures", size, settings.QUERIES_MAX_BYTES, in_bytes=True),
    ]
