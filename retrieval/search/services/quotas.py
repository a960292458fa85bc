"""How much of searches a person may keep; nothing is deleted to make room, for only its owner knows what is wanted.

Searches that run at the same moment count each other only once they are stored, so a quota may be passed by as many.
"""

from django.conf import settings

from accounts.models import User
from accounts.personal_data import MEGABYTE, Used
from retrieval.errors import OverQuota
from retrieval.models import Search


def check_room(user: User, *, picture: bool) -> None:
    """Check that a person may store one more search, `picture`: with a picture of their own.

    Raises:
        OverQuota: they keep as many as they may.
    """
    stored = Search.objects.filter(owner=user).count()
    if stored >= settings.SEARCHES_MAX:
        raise OverQuota(f"you keep {stored:,} searches, as many as one may; delete some in your history, then search")
    if picture and query_bytes(user) >= settings.QUERIES_MAX_BYTES:
        most = settings.QUERIES_MAX_BYTES // MEGABYTE
        raise OverQuota(f"your query pictures take {most:,} MB, as much as they may; delete searches in your history")


def query_bytes(user: User) -> int:
    """Return the bytes of the pictures that a person searched with."""
    own = Search.objects.filter(owner=user, root=None, query_image=None)
    return sum(search.upload.stat().st_size for search in own.only("pk", "root") if search.upload.exists())


def used_searches(user: User) -> list[Used]:
    """Return what a person keeps of searches, and what they may."""
    return [
        Used("Searches, refinements included", Search.objects.filter(owner=user).count(), settings.SEARCHES_MAX),
        Used("Query pictures", query_bytes(user), settings.QUERIES_MAX_BYTES, in_bytes=True),
    ]
