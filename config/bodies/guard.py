"""Middleware that rejects a body by its length before any of it is read or stored.

It stands before whatever reads forms. Behind `config.serving` it is asked twice about a long body: before the server
takes it in (`ASKS`), and with it; there it also tells what happened on the way (`ARRIVED`).
"""

from collections.abc import Callable
from contextlib import suppress

from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import APIException, NotAuthenticated, ParseError, PermissionDenied
from rest_framework.request import Request

from accounts.authentication import ApiTokenAuthentication
from accounts.roles import Visitor, is_curator
from config.api.problems import DiskFull, LengthRequired, TooSlow, answered
from config.bodies.pages import refusal
from config.bodies.rooms import Room, room_of, small_limit
from config.errors import Busy, ServiceError, TooLarge

ASKS = "kindred.asks"
"""In the environment: the body is still to come, and only whether it may is asked."""
MOST_HEADER = "Kindred-Most"
"""Of the answer to that: how many bytes the body may have. Static files answer too, and have it not."""
ARRIVED = "kindred.arrived"
"""In the environment: what happened to the body on its way, one of FAULTS."""
FAULTS: dict[str, Callable[[], Exception]] = {
    "slow": TooSlow,
    "long": lambda: TooLarge("That is more than is read at once; send less."),
    "unending": lambda: LengthRequired("A body of that length needs a Content-Length; send it with one."),
    "crowd": lambda: Busy("Too many bodies are arriving; send yours again in a moment.", retry_after=5),
    "full": DiskFull,
}
LONGEST_LENGTH = 18
"""Digits of a Content-Length."""


def guard_bodies(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Reject a body that is too long for its URL and its sender."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        environ = getattr(request, "environ", {})
        try:
            if environ.get(ARRIVED):
                raise FAULTS[environ[ARRIVED]]()
            most = check_length(request)
        except (APIException, ServiceError) as problem:
            return refusal(request, answered(problem))
        if environ.get(ASKS):
            return HttpResponse(headers={MOST_HEADER: str(most)})
        try:
            return get_response(request)
        finally:
            _drop_unfinished(request)

    return middleware


def check_length(request: HttpRequest) -> int:
    """Return how long a body the request may have.

    Raises:
        TooLarge: its body is longer.
        APIException: it has no length, or whoever sends it may not.
    """
    length, most = _length(request), small_limit(request)
    if length is not None and length <= most:
        return most
    room = room_of(request)
    if room is not None and room.bytes > most and (length is None or length <= room.bytes):
        _check_sender(request, room)
        return room.bytes
    if length is None:
        return most
    longest = max(most, room.bytes if room else 0)
    raise TooLarge(f"The body has {length:,} bytes; this URL accepts at most {longest:,}. Send less.")


def _length(request: HttpRequest) -> int | None:
    """Return the length of the body; None where it is still to be counted."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    if announced:
        if not (announced.isascii() and announced.isdecimal() and len(announced) <= LONGEST_LENGTH):
            raise ParseError(f"Content-Length must be a number of bytes, not {announced[:40]!r}")
        return int(announced)
    if "HTTP_TRANSFER_ENCODING" not in request.META:
        return 0
    if not request.META.get(ASKS):
        raise LengthRequired()
    return None


def _check_sender(request: HttpRequest, room: Room) -> None:
    """Check that the sender may send files to this URL.

    Raises:
        APIException: 401 or 403; the token is wrong or only reads, nobody is signed in, or it is for curators.
    """
    user = _sender(request)
    if not user.is_authenticated:
        raise NotAuthenticated("Sign in first; visitors cannot send files.")
    if room.curators and not is_curator(user):
        raise PermissionDenied("Only curators can send files to this URL. An admin can change your role.")


def _sender(request: HttpRequest) -> Visitor:
    authenticated = (
        ApiTokenAuthentication().authenticate(Request(request)) if request.path_info.startswith("/api/") else None
    )
    user: Visitor = authenticated[0] if authenticated else request.user
    return user


def _drop_unfinished(request: HttpRequest) -> None:
    """Delete the temporary file of an interrupted upload; Django keeps it until garbage collection."""
    for handler in getattr(request, "_upload_handlers", ()):
        if isinstance(handler, TemporaryFileUploadHandler) and hasattr(handler, "file"):
            with suppress(OSError):  # what was not written yet finds the disk full again
                handler.file.close()
