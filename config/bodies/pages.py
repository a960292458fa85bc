"""What a body that was refused, a full disk or an upload cut short is answered with: a problem or a page."""

import logging
import sys
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.shortcuts import render
from django.views.defaults import server_error
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from config.api.problems import PROBLEMS, Busy, DiskFull, TooSlow, type_of
from config.full_disk import is_disk_full

logger = logging.getLogger(__name__)


class _Problem(APIView):
    """The problem document of an error that was met before any view."""

    permission_classes = (AllowAny,)
    schema = None
    problem = APIException()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise self.problem


def refusal(request: HttpRequest, problem: APIException) -> HttpResponseBase:
    """Return a problem document for the API and a page for people."""
    if request.path_info.startswith("/api/"):
        answer: Any = _Problem.as_view(problem=problem)(request)
        return answer.render() if hasattr(answer, "render") else answer  # type: ignore[no-any-return]
    return page_of(request, problem)


def page_of(request: HttpRequest, problem: APIException) -> HttpResponse:
    """Return a page that says what is wrong, and what to do."""
    status = 403 if isinstance(problem, NotAuthenticated) else int(problem.status_code)
    kind = PROBLEMS[type_of(int(problem.status_code), problem.default_code)]
    answer = render(request, "refused.html", {"title": kind.title, "detail": problem.detail}, status=status)
    if isinstance(problem, Busy):
        answer["Retry-After"] = str(problem.wait)
    return answer


def broken(request: HttpRequest) -> HttpResponse:
    """Answer what no page has dealt with: a full disk (507), an upload cut short (408), else an error of ours (500)."""
    error = sys.exc_info()[1]
    if is_disk_full(error):
        return page_of(request, DiskFull())
    if isinstance(error, UnreadablePostError):
        return page_of(request, TooSlow())
    return server_error(request)
