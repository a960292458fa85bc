"""Errors of services as HTML: a message after a button, or a page with the status and Retry-After."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from config.errors import Busy, Rejected, ServiceError

View = Callable[..., HttpResponseBase]


def rejection_as_message(back: str) -> Callable[[View], View]:
    """Return a decorator: what a service rejects becomes a message on the page named `back`.

    That page has the same URL arguments as the view.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except Rejected as error:
                messages.error(request, str(error))
                again: HttpResponseBase = redirect(back, *args, **kwargs)
                return again

        return answer

    return decorate


def error_page(error: ServiceError, page: Callable[[int], HttpResponse]) -> HttpResponse:
    """Return the page that shows an error: `page` gets its status, 503 with Retry-After when busy, else 400."""
    answer = page(HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, Busy) else HTTPStatus.BAD_REQUEST)
    if error.retry_after is not None:
        answer["Retry-After"] = str(error.retry_after)
    return answer
