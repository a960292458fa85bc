"""The section of the site that a page belongs to, so that the navigation marks it on every page below."""

from django.http import HttpRequest

SECTIONS = {
    "": "search",
    "searches/<uuid:pk>/": "search",
    "searches/": "searches",
    "rate/": "rate",
    "leaderboard/": "leaderboard",
    "algorithms/": "algorithms",
    "datasets/": "datasets",
    "downloads/": "downloads",
    "lab/": "lab",
    "jobs/": "lab",
    "me/": "account",
    "accounts/": "account",
}
"""The name of the section's first page, by the beginning of a page's route; the first that fits counts."""


def section_of(route: str) -> str:
    """Return the section of a route; "" for pages outside all of them, such as shared searches."""
    return next((name for start, name in SECTIONS.items() if route == start or start and route.startswith(start)), "")


def section(request: HttpRequest) -> dict[str, str]:
    """Give `section` to templates: a context processor."""
    match = request.resolver_match
    return {"section": section_of(match.route) if match else ""}
