"""The theme that a browser chose: light, dark, or that of its system.

A cookie stores it, so the first byte of a page already says which it is, and it works without scripts.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from config.ended_session import page_before

COOKIE = "theme"
THEMES = {"system": "As the system", "light": "Light", "dark": "Dark"}
SECONDS = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    """Return the theme that the browser chose; `system` until it does."""
    theme = request.COOKIES.get(COOKIE, "")
    return theme if theme in THEMES else "system"


def theme(request: HttpRequest) -> dict[str, object]:
    """Give `theme` and `themes` to templates: a context processor."""
    return {"theme": theme_of(request), "themes": THEMES}


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponseBase:
    """Store the chosen theme, and go back to the page; a script gets 204 instead."""
    name = request.POST.get("theme", "")
    if name not in THEMES:
        return HttpResponse("theme must be system, light or dark", status=400, content_type="text/plain")
    scripted = request.headers.get("Accept") == "application/json"
    answer: HttpResponse = HttpResponse(status=204) if scripted else redirect(page_before(request))
    answer.set_cookie(
        COOKIE, name, SECONDS, path=settings.SESSION_COOKIE_PATH, secure=settings.HTTPS, httponly=True, samesite="Lax"
    )
    return answer
