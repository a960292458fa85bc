"""Answers to requests that no view could answer: an unknown host, a full disk, a busy database, a fault of ours."""

import sys

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from rest_framework.exceptions import APIException, ParseError

from config.api.problems import PROBLEMS, Answered, UnknownHost, fault_behind, type_of
from config.bodies.pages import problem_document

BROKEN = "It is not your fault, and it has been written to the log. Trying again in a moment often helps."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 400, and say what to set when it is the host that the site does not know."""
    foreign = isinstance(exception, DisallowedHost)
    return _answer(request, UnknownHost() if foreign else ParseError("The request cannot be read. Go back."))


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer what no view has dealt with. Django calls this while it handles the exception."""
    return _answer(request, fault_behind(sys.exc_info()[1]) or APIException(BROKEN))


def _answer(request: HttpRequest, problem: APIException) -> HttpResponseBase:
    """Return a problem document, or a page that asks neither the database nor the session for anything."""
    if request.path_info.startswith("/api/"):
        return problem_document(request, problem)
    status = int(problem.status_code)
    heading = PROBLEMS[type_of(status, problem.default_code)].title
    page = HttpResponse(render_to_string("fault.html", {"heading": heading, "sentence": problem.detail}), status=status)
    if isinstance(problem, Answered) and problem.wait is not None:
        page["Retry-After"] = str(problem.wait)
    return page
