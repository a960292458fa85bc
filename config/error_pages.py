"""Responses to requests that no view could answer: unknown host, full storage, busy database, internal error."""

import sys

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from rest_framework.exceptions import APIException, ParseError

from config.api.problems import PROBLEMS, Answered, UnknownHost, fault_behind, type_of
from config.bodies.pages import problem_document
from config.theme import theme_of

INTERNAL_ERROR = "An error of the site, which was logged. Trying again in a moment often helps."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 400, and say what to set when it is the host that the site does not know."""
    foreign = isinstance(exception, DisallowedHost)
    return _answer(
        request, UnknownHost() if foreign else ParseError("The request cannot be read. Go back and try again.")
    )


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Respond to an exception that no view handled. Django calls this while it handles the exception."""
    return _answer(request, fault_behind(sys.exc_info()[1]) or APIException(INTERNAL_ERROR))


def _answer(request: HttpRequest, problem: APIException) -> HttpResponseBase:
    """Return a problem document, or a page that asks neither the database nor the session for anything."""
    if request.path_info.startswith("/api/"):
        return problem_document(request, problem)
    status = int(problem.status_code)
    heading = PROBLEMS[type_of(status, problem.default_code)].title
    context = {"heading": heading, "sentence": problem.detail, "theme": theme_of(request)}
    page = HttpResponse(render_to_string("fault.html", context), status=status)
    if isinstance(problem, Answered) and problem.wait is not None:
        page["Retry-After"] = str(problem.wait)
    return page
