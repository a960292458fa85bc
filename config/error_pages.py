"""Answers to requests that no view could answer: a host that is not the site's, a busy database, a fault."""

import sys
from http import HTTPStatus

from django.core.exceptions import DisallowedHost
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from config.api.problems import problem_response
from config.busy import RETRY_AFTER, is_busy

BROKEN = "It is not your fault, and it has been written to the log. Trying again in a moment often helps."
BUSY = "The database is busy. Try again in a few seconds."
UNKNOWN_HOST = "This site does not answer for the host of that address. Whoever runs it can add it to ALLOWED_HOSTS."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400, and say what to set when it is the host that the site does not know."""
    foreign = isinstance(exception, DisallowedHost)
    sentence = UNKNOWN_HOST if foreign else "The request cannot be read. Go back and try again."
    if _is_for_api(request):
        return problem_response(request, "unknown-host" if foreign else "malformed", sentence)
    return _page(HTTPStatus.BAD_REQUEST, "Bad request", sentence)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 when the database is only busy, else 500. Django calls this while it handles the exception."""
    error = sys.exc_info()[1]
    busy = isinstance(error, OperationalError) and is_busy(error)
    sentence = BUSY if busy else BROKEN
    if _is_for_api(request):
        answer: HttpResponse = problem_response(request, "busy" if busy else "error", sentence)
    elif busy:
        answer = _page(HTTPStatus.SERVICE_UNAVAILABLE, "The site is busy", sentence)
    else:
        answer = _page(HTTPStatus.INTERNAL_SERVER_ERROR, "Something broke on our side", sentence)
    if busy:
        answer["Retry-After"] = str(RETRY_AFTER)
    return answer


def _page(status: HTTPStatus, heading: str, sentence: str) -> HttpResponse:
    """Return a page that asks neither the database nor the session for anything."""
    return HttpResponse(render_to_string("fault.html", {"heading": heading, "sentence": sentence}), status=status)


def _is_for_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
