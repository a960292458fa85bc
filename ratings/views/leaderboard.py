"""The leaderboard: its page, the parts that the page polls, and its files."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
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
OTHER_COLUMNS = ("model", "interval", "rating", "ratings", "index", "protocol")
"""Columns of the page's table besides the metrics."""

LABELS = {"dataset": "Data set", "protocol": "Protocol"}


@never_cache
@require_safe
def show_leaderboard(request: HttpRequest) -> HttpResponse:
    """Show measured accuracy and blind ratings of every model."""
    filters = _filters_of(request)
    chips = _chips(leaderboard.leaderboard(request.user), filters)
    try:
        return render(request, "ratings/leaderboard.html", _context(request.user, **filters) | {"chips": chips})
    except UnknownFilter as unknown:
        context = {"reason": str(unknown), "chips": chips}
        return render(request, "ratings/leaderboard.html", context, status=HTTPStatus.NOT_FOUND)


@never_cache
@require_GET
def show_rows(request: HttpRequest) -> HttpResponse:
    """Give the rows alone; the page requests them when a rating has come or gone."""
    return _part(request, "ratings/_leaderboard_rows.html")


@never_cache
@require_GET
def show_agreement(request: HttpRequest) -> HttpResponse:
    """Give the agreement of ratings and metrics alone; the page requests it with the rows."""
    return _part(request, "ratings/_leaderboard_agreement.html")


def welcome_section(request: HttpRequest) -> str:
    """Return the leaderboard's rows for the front page, as HTML."""
    return render_to_string("ratings/_welcome_board.html", _context(request.user), request)


def _part(request: HttpRequest, template: str) -> HttpResponse:
    try:
        return render(request, template, _context(request.user, **_filters_of(request)))
    except UnknownFilter as unknown:
        raise Http404(str(unknown)) from None


@never_cache
@require_GET
def download_file(request: HttpRequest, suffix: str) -> HttpResponseBase:
    """Give the leaderboard as CSV, JSON, PNG or SVG; the page polls the JSON."""
    if suffix not in leaderboard_files.CONTENT_TYPES:
        suffixes = ", ".join(leaderboard_files.CONTENT_TYPES)
        raise Http404(f"no leaderboard.{suffix}; use one of {suffixes}")
    try:
        sections = leaderboard.sections_for(request.user, **_filters_of(request))
    except UnknownFilter as unknown:
        raise Http404(str(unknown)) from None
    content = io.BytesIO(leaderboard_files.leaderboard_file(sections, suffix))
    return attachment(content, f"leaderboard.{suffix}", leaderboard_files.CONTENT_TYPES[suffix])


def _context(user: Visitor, dataset: str = "", protocol: str = "") -> dict[str, object]:
    """Return the rows that these filters leave and the statistics of their ratings. Raises UnknownFilter."""
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
        "ratings_total": leaderboard.ratings_total(rows),
        "filters": _query_string({"dataset": dataset, "protocol": protocol}),
        "table_suffixes": leaderboard_files.TABLES,
        "chart_suffixes": leaderboard_files.CHARTS,
        "fewest_ratings": rating_statistics.FEWEST_RATINGS,
    }


def _filters_of(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "") for name in FILTERS}


def _query_string(filters: Mapping[str, str]) -> str:
    """Return the query string of these filters with its question mark; empty when none is set."""
    encoded = urlencode({name: value for name, value in filters.items() if value})
    return f"?{encoded}" if encoded else ""


@dataclass(frozen=True)
class Chip:
    """A link that filters the table by one value."""

    label: str
    query: str
    is_chosen: bool


def _chips(rows: Sequence[leaderboard.LeaderboardRow], filters: Mapping[str, str]) -> list[tuple[str, list[Chip]]]:
    """Return the chips of each filter with its label; a chip keeps the value of the other filter."""
    choices = {
        "dataset": {row.dataset.slug: row.dataset.name for row in rows},
        "protocol": {row.protocol_name: row.protocol_name for row in rows},
    }
    return [
        (
            LABELS[name],
            [
                Chip(label, _query_string({**filters, name: value}), filters[name] == value)
                for value, label in [("", "All"), *sorted(labels.items())]
            ],
        )
        for name, labels in choices.items()
        if len(labels) > 1 or filters[name]
    ]
