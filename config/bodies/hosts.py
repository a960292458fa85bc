"""Middleware of services for the site's own hosts: nobody else is answered, and bodies are bounded before they come."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from config.bodies.guard import ARRIVED, ASKS, MOST_HEADER
from config.host_signatures import is_from_a_host


def guard_hosts(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answer 401 to whoever is no host of this site, and 413 or 503 where a body is too long or did not arrive."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        environ = getattr(request, "environ", {})
        if not is_from_a_host(request.headers.get("Authorization", "")):
            return _refusal(401, "only hosts of this site are answered: their SECRET_KEY is the same, and their clock")
        length = request.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return _refusal(413, "the body is too long")
        if environ.get(ARRIVED):
            return _refusal(503, f"the body did not arrive: {environ[ARRIVED]}", error="Busy")
        if environ.get(ASKS):
            return JsonResponse({}, headers={MOST_HEADER: str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)})
        return get_response(request)

    return middleware


def _refusal(status: int, message: str, error: str = "") -> JsonResponse:
    return JsonResponse({"error": error, "message": message}, status=status)
