"""Requests after a session has ended lead to the sign-in, and from there back to the page that sent them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

Answer = Callable[[HttpRequest], HttpResponseBase]


def lead_to_sign_in(answer: Answer) -> Answer:
    """Return a middleware that handles a redirect to the sign-in where its `next` would be no page.

    htmx would put the sign-in into a part of a page: it gets 204 with `HX-Redirect`, also for a 403 to somebody who
    is not signed in, because without the session's cookie the CSRF cookie is mostly gone as well. The URL of a form
    takes POST only: `next` becomes the page that has the form, and a message says that nothing was changed. A redirect
    without `next`, as after a sign-out, stays.
    """

    def leading(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        htmx: Any = request.htmx  # type: ignore[attr-defined]  # set by django_htmx
        if htmx and (_leads_to_sign_in(response) or response.status_code == 403 and not request.user.is_authenticated):
            where = _sign_in(own_page(request, htmx.current_url or ""))
            leads = HttpResponse(status=204, headers={"HX-Redirect": where})
            add_never_cache_headers(leads)
            return leads
        if request.method == "POST" and _leads_to_sign_in(response) and REDIRECT_FIELD_NAME in _query(response):
            messages.warning(request, "You were signed out, so nothing was changed. Sign in, then send it again.")
            return HttpResponseRedirect(_sign_in(page_before(request)))
        return response

    return leading


def _leads_to_sign_in(response: HttpResponseBase) -> bool:
    where = response.headers.get("Location", "")
    return response.status_code in (302, 303) and urlsplit(where).path == resolve_url(settings.LOGIN_URL)


def _query(response: HttpResponseBase) -> dict[str, list[str]]:
    return parse_qs(urlsplit(response.headers["Location"]).query)


def _sign_in(page: str) -> str:
    return f"{resolve_url(settings.LOGIN_URL)}?{urlencode({REDIRECT_FIELD_NAME: page})}"


def page_before(request: HttpRequest) -> str:
    """Return the path of the page that has the form which was sent; the front page's if it is not of this site."""
    return own_page(request, request.headers.get("Referer", ""))


def own_page(request: HttpRequest, url: str) -> str:
    """Return the path and query of a URL; those of the front page if the URL is not of this site."""
    front = resolve_url(settings.LOGIN_REDIRECT_URL)
    try:
        parts = urlsplit(url)
    except ValueError:
        return front
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    is_ours = parts.netloc == request.get_host() and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_ours else front
