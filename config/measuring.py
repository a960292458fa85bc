"""Middleware that counts and times requests."""

import time
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config import metrics
from config.bodies.guard import MOST_HEADER

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"
"""Of static files, URLs without a page, and what middleware refuses before a page is chosen."""

View = Callable[[HttpRequest], HttpResponseBase]


def measure_requests(get_response: View) -> View:
    """Observe each request by the name of its route. Probes and scrapes are answered before it."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        answer = get_response(request)
        if MOST_HEADER not in answer:  # else the server only asks how long the body may be
            _observe(request, answer.status_code, time.perf_counter() - started)
        return answer

    return middleware


def _observe(request: HttpRequest, status: int, seconds: float) -> None:
    route = request.resolver_match.view_name if request.resolver_match else NO_ROUTE
    method = request.method if request.method in METHODS else "other"
    metrics.REQUESTS.labels(route, method, f"{status // 100}xx").inc()
    metrics.REQUEST_SECONDS.labels(route).observe(seconds)
