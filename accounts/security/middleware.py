"""When each session was last used, kept for its owner to see."""

from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase

EVERY = 60  # seconds; a row written at every request would make all pages wait for the one writer of SQLite


def note_activity(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Write down, to the minute, that a signed-in session was used; allauth's own middleware would at every request."""

    def noting(request: HttpRequest) -> HttpResponseBase:
        key = request.session.session_key
        if key and request.user.is_authenticated and cache.add(f"session-seen:{key}", True, EVERY):
            UserSession.objects.create_from_request(request)
        return answer(request)

    return noting
