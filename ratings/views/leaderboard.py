"""The leaderboard: its page, what the page asks for again and again, and what can be kept of it."""

import io
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from accounts.roles import Visitor
from ratings.errors import UnknownFilter
from ratings.services import leaderboard, leaderboard_files, rating_statistics
from retrieval.files import attachment

FILTERS = ("dataset", "protocol")
OTHER_COLUMNS = ("model", "interval", "people", "votes", "index", "protocol")
"""What the table of the page shows beside the metrics."""

LABELS = {"dataset": "Data set", "protocol": "Protocol"}


@never_cache
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Show what was measured beside what people say."""
    chosen = _chosen(request)
    chips = _chips(leaderboard.leaderboard(request.user), chosen)
    try:
        return render(request, "ratings/leaderboard.html", board_values(request.user, **chosen) | {"chips": chips})
    except UnknownFilter as unknown:
        context = {"reason": str(unknown), "chips": chips}
        return render(request, "ratings/leaderboard.html", context, status=HTTPStatus.NOT_FOUND)


@never_cache
@require_GET
def board_rows(request: HttpRequest) -> HttpResponse:
    """Give the rows alone; the page asks for them when a vote has come or gone."""
    return _part(request, "ratings/_leaderboard_rows.html")


@never_cache
@require_GET
def board_agreement(request: HttpRequest) -> HttpResponse:
    """Give what the votes say as a whole, asked for as the rows are."""
    return _part(request, "ratings/_leaderboard_agreement.html")


def welcome_section(request: HttpRequest) -> str:
    """Return the leaderboard's rows for the front page."""
    return render_to_string("ratings/_welcome_board.html", board_values(request.user), request)


def _part(request: HttpRequest, template: str) -> HttpResponse:
    try:
        return render(request, template, board_values(request.user, **_chosen(request)))
    except UnknownFilter as unknown:
        raise Http404(str(unknown)) from None


@never_cache
@require_GET
def board_file(request: HttpRequest, suffix: str) -> HttpResponseBase:
    """Give the leaderboard as CSV, JSON, PNG or SVG; the page polls the JSON."""
    if suffix not in leaderboard_files.CONTENT_TYPES:
        known = ", ".join(leaderboard_files.CONTENT_TYPES)
        raise Http404(f"the leaderboard is kept as {known}, not as {suffix}")
    try:
        document = leaderboard_files.document_for(request.user, **_chosen(request))
    except UnknownFilter as unknown:
        raise Http404(str(unknown)) from None
    content = io.BytesIO(leaderboard_files.board_file(document, suffix))
    return attachment(content, f"leaderboard.{suffix}", leaderboard_files.CONTENT_TYPES[suffix])


def board_values(user: Visitor, dataset: str = "", protocol: str = "") -> dict[str, Any]:
    """Return the rows that these filters leave, and what their votes say. Raises UnknownFilter."""
    rows = leaderboard.filtered(leaderboard.leaderboard(user), dataset, protocol)
    sections = leaderboard.sections(rows)
    return {
        "rows": rows,
        "sections": sections,
        "columns": leaderboard.columns(),
        "width": len(leaderboard.columns()) + len(OTHER_COLUMNS),
        "charts": leaderboard.charted(),
        "headline": leaderboard.headline(),
        "document": leaderboard_files.document_of(sections),
        "votes_total": leaderboard.votes_total(rows),
        "filters": _address({"dataset": dataset, "protocol": protocol}),
        "suffixes": list(leaderboard_files.CONTENT_TYPES),
        "fewest_votes": rating_statistics.FEWEST_VOTES,
    }


def _chosen(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "") for name in FILTERS}


def _address(chosen: Mapping[str, str]) -> str:
    """Return the end of an address that asks for these filters; empty when none is set."""
    asked = urlencode({name: value for name, value in chosen.items() if value})
    return f"?{asked}" if asked else ""


def _chips(rows: Sequence[leaderboard.Row], chosen: Mapping[str, str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the ways to narrow the table, each with its address; what is chosen of the other way stays."""
    choices = {
        "dataset": {row["dataset"].slug: row["dataset"].name for row in rows},
        "protocol": {row["protocol_name"]: row["protocol_name"] for row in rows},
    }
    return [
        (
            LABELS[name],
            [
                {
                    "label": label,
                    "address": _address({**chosen, name: value}),
                    "is_chosen": chosen[name] == value,
                }
                for value, label in [("", "All"), *sorted(known.items())]
            ],
        )
        for name, known in choices.items()
        if len(known) > 1 or chosen[name]
    ]
