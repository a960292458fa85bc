"""Responses to a rejected body: a problem document or a page."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from config.api.problems import PROBLEMS, Answered, type_of


class _Problem(APIView):
    """The problem document of an error that was met before any view."""

    permission_classes = (AllowAny,)
    schema = None
    problem = APIException()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise self.problem


def refusal(request: HttpRequest, problem: Any) -> HttpResponseBase:
    """Return a problem document for the API and a page for people."""
    return problem_document(request, problem) if request.path_info.startswith("/api/") else page_of(request, problem)


def problem_document(request: HttpRequest, problem: APIException) -> HttpResponseBase:
    """Return what a view of the API answers that raises this."""
    answer: Any = _Problem.as_view(problem=problem)(request)
    return answer.render() if hasattr(answer, "render") else answer  # type: ignore[no-any-return]


def page_of(request: HttpRequest, problem: APIException) -> HttpResponse:
    """Return a page with the problem's title and detail."""
    status = 403 if isinstance(problem, NotAuthenticated) else int(problem.status_code)
    kind = PROBLEMS[type_of(int(problem.status_code), problem.default_code)]
    answer = render(request, "refused.html", {"title": kind.title, "detail": problem.detail}, status=status)
    if isinstance(problem, Answered) and problem.wait is not None:
        answer["Retry-After"] = str(problem.wait)
    return answer
