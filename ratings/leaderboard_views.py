"""The leaderboard: its page, and what the page asks for again and again."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from ratings.services import leaderboard


@never_cache
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Show what was measured beside what people say."""
    return render(request, "ratings/leaderboard.html", board_values(request))


@never_cache
@require_GET
def board_rows(request: HttpRequest) -> HttpResponse:
    """Give the rows alone; the page asks for them again and again."""
    return render(request, "ratings/_leaderboard_rows.html", board_values(request))


def board_values(request: HttpRequest) -> dict[str, Any]:
    rows = leaderboard.leaderboard(request.user)
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    return {"rows": rows, "votes_total": leaderboard.votes_total(rows), "datasets": datasets}
