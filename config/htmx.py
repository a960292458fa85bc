"""Requests of htmx after a session has ended: the whole page goes to the sign-in, not a part of it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

Answer = Callable[[HttpRequest], HttpResponseBase]


def lead_to_sign_in(answer: Answer) -> Answer:
    """Return a middleware: 204 with `HX-Redirect` where htmx would put the sign-in page into a part of a page.

    That is a redirect to the sign-in, and a 403 for somebody who is not signed in: without the session's cookie the
    CSRF cookie is mostly gone as well. After the sign-in, one is back on the page that sent the request.
    """

    def leading(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        htmx: Any = request.htmx  # type: ignore[attr-defined]  # set by django_htmx
        if not htmx or not _asks_to_sign_in(request, response):
            return response
        query = urlencode({"next": _page_of(request, htmx.current_url or "")})
        leads = HttpResponse(status=204, headers={"HX-Redirect": f"{resolve_url(settings.LOGIN_URL)}?{query}"})
        add_never_cache_headers(leads)
        return leads

    return leading


def _asks_to_sign_in(request: HttpRequest, response: HttpResponseBase) -> bool:
    if response.status_code == 403:
        return not request.user.is_authenticated
    where = response.headers.get("Location", "")
    return response.status_code in (302, 303) and urlsplit(where).path == resolve_url(settings.LOGIN_URL)


def _page_of(request: HttpRequest, url: str) -> str:
    """Return the path of the page that sent the request, "/" if its URL is not of this site."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "/"
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    is_ours = parts.netloc == request.get_host() and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_ours else "/"
