"""robots.txt: search engines read what visitors read, and no link that somebody shared with somebody."""

from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix
from django.views.decorators.http import require_safe

CLOSED = ("accounts/", "admin/", "api/v1/", "lab/", "me/", "searches/", "shared/")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Return which paths crawlers leave alone."""
    lines = ["User-agent: *", *(f"Disallow: {get_script_prefix()}{path}" for path in CLOSED)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")
