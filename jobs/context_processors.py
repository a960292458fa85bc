"""Context of every page: how many notices somebody who starts jobs has not read."""

from django.http import HttpRequest

from accounts.roles import is_curator
from jobs.notices import unread_count


def notices(request: HttpRequest) -> dict[str, int]:
    """Give `unread_notices`; 0 for members, who start no jobs, without a query."""
    user = request.user
    return {"unread_notices": unread_count(user) if user.is_authenticated and is_curator(user) else 0}
