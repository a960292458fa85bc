"""Context of every page: how many notices somebody who starts jobs has not read."""

from functools import cache

from django.http import HttpRequest

from accounts.roles import is_curator
from jobs.notices import unread_count


def notices(request: HttpRequest) -> dict[str, object]:
    """Give `unread_notices`; 0 for members, who start no jobs. Parts of pages do not show it and cost no query."""
    return {"unread_notices": cache(lambda: _unread_of(request))}


def _unread_of(request: HttpRequest) -> int:
    user = request.user
    return unread_count(user) if user.is_authenticated and is_curator(user) else 0
