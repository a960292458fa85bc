"""Middleware that answers `/metrics`, for whoever has the token that the settings name.

It stands before everything else, as probes do: a scraper has no account, and calls a host by whatever name it likes.
"""

import hmac
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from config.health import NOT_STORED
from operations.services.exposition import exposition

METRICS = "/metrics"
SCHEME = "bearer"

View = Callable[[HttpRequest], HttpResponseBase]


def answer_scrapes(get_response: View) -> View:
    """Answer scrapes, and pass everything else on. Without a token in the settings there is no such page."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info != METRICS or not settings.METRICS_TOKEN:
            return get_response(request)
        if not _has_token(request):
            headers = {**NOT_STORED, "WWW-Authenticate": 'Bearer realm="metrics"'}
            return HttpResponse("Send the token of KINDRED_METRICS_TOKEN.\n", "text/plain", 401, headers=headers)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return HttpResponse(exposition(), CONTENT_TYPE_PLAIN_0_0_4, headers=NOT_STORED)

    return middleware


def _has_token(request: HttpRequest) -> bool:
    """Return whether the request has the token; the time that it takes says nothing about how much of it is right."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.METRICS_TOKEN.encode()
    return hmac.compare_digest(token.strip().encode(), expected) and scheme.lower() == SCHEME
