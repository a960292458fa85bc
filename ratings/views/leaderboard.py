"""The leaderboard: its page, the parts that the page polls, and its files."""

import io
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from ratings.errors import UnknownFilter
from ratings.services import (
    leaderboard,
    leaderboard_files,
    leaderboard_ranks,
    leaderboard_text,
    rating_statistics,
)
from ratings.services.consistency import consistency_on
from ratings.services.judged_metrics import judged_table
from ratings.services.leaderboard_rows import LeaderboardRow, measured_rows
from retrieval.files import attachment

FILTERS = ("dataset", "protocol")
OTHER_COLUMNS = ("rank", "model", "interval", "seeds", "rating", "people's rank", "win rate", "ratings", "index")
"""Columns of the page's table besides the metrics."""


@never_cache
@require_safe
def show_leaderboard(request: HttpRequest) -> HttpResponse:
    """Show measured accuracy and blind ratings of every model."""
    filters = filters_of(request)
    rows = measured_rows(request.user)
    chips = dataset_chips(rows, filters)
    try:
        sections = leaderboard.sections_of(rows, **filters)
    except UnknownFilter as unknown:
        context: dict[str, object] = {"reason": str(unknown), "chips": chips}
        return render(request, "ratings/leaderboard.html", context, status=HTTPStatus.NOT_FOUND)
    context = _context(sections, filters) | _copied(request, sections, filters) | {"chips": chips}
    datasets = list(dict.fromkeys(section.dataset for section in sections))
    context["judged"] = [judged_table(request.user, dataset) for dataset in datasets]
    context["consistency"] = [(dataset, consistency_on(dataset)) for dataset in datasets]
    return render(request, "ratings/leaderboard.html", context)


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


@never_cache
@require_GET
def show_metrics(request: HttpRequest) -> HttpResponse:
    """Give the metrics as predictors of people alone; the page requests them with the rows."""
    return _part(request, "ratings/_leaderboard_metrics.html")


def welcome_section(request: HttpRequest) -> str:
    """Return the leaderboard's rows for the front page, as HTML."""
    filters = {"dataset": "", "protocol": leaderboard.DEFAULT}
    sections = leaderboard.sections_for(request.user, **filters)
    return render_to_string("ratings/_welcome_board.html", _context(sections, filters), request)


def _part(request: HttpRequest, template: str) -> HttpResponse:
    try:
        sections = leaderboard.sections_for(request.user, **filters_of(request))
    except UnknownFilter as unknown:
        raise Http404(str(unknown)) from None
    return render(request, template, _context(sections, filters_of(request)))


@never_cache
@require_GET
def download_file(request: HttpRequest, suffix: str) -> HttpResponseBase:
    """Give the leaderboard as CSV, JSON, PNG or SVG; the page polls the JSON."""
    if suffix not in leaderboard_files.CONTENT_TYPES:
        suffixes = ", ".join(leaderboard_files.CONTENT_TYPES)
        raise Http404(f"no leaderboard.{suffix}; use one of {suffixes}")
    try:
        filters = {name: request.GET.get(name, "") for name in FILTERS}
        sections = leaderboard.sections_for(request.user, **filters)
    except UnknownFilter as unknown:
        raise Http404(str(unknown)) from None
    content = io.BytesIO(leaderboard_files.leaderboard_file(sections, suffix))
    return attachment(content, f"leaderboard.{suffix}", leaderboard_files.CONTENT_TYPES[suffix])


def _context(sections: Sequence[leaderboard.Section], filters: Mapping[str, str]) -> dict[str, object]:
    """Return what a template needs to show these tables and the statistics of their ratings."""
    return {
        "sections": [_ShownSection(section, _protocol_chips(section)) for section in sections],
        "rows": [row for section in sections for row in section.rows],
        "columns": leaderboard.columns(),
        "width": len(leaderboard.columns()) + len(OTHER_COLUMNS),
        "charts": leaderboard.charted(),
        "headline": leaderboard.headline(),
        "document": leaderboard_files.document_of(sections),
        "filters": query_string(filters),
        "narrowed": bool(filters["dataset"]) or filters["protocol"] != leaderboard.DEFAULT,
        "table_suffixes": leaderboard_files.TABLES,
        "chart_suffixes": leaderboard_files.CHARTS,
        "fewest_ratings": rating_statistics.FEWEST_RATINGS,
        "fewest_people": rating_statistics.FEWEST_PEOPLE,
        "fewest_queries": rating_statistics.FEWEST_QUERIES,
        "fewest_seeds": leaderboard_ranks.FEWEST_SEEDS,
    }


def _copied(
    request: HttpRequest, sections: Sequence[leaderboard.Section], filters: Mapping[str, str]
) -> dict[str, object]:
    """Return the texts to copy: the tables in Markdown, BibTeX entries, and commands that read the tables."""
    page = request.build_absolute_uri(reverse("leaderboard"))
    today = timezone.now().date()
    entries = [
        leaderboard_text.bibtex_of(
            section,
            page + query_string({"dataset": section.dataset.slug, "protocol": section.protocol.value}),
            today,
        )
        for section in sections
    ]
    return {
        "markdown": leaderboard_text.markdown_of(sections),
        "bibtex": "\n\n".join(entries),
        "site_url": request.build_absolute_uri("/").rstrip("/"),
        "csv_url": request.build_absolute_uri(reverse("leaderboard-file", args=["csv"])) + query_string(filters),
        "command_options": " ".join(f"--{name} {shlex.quote(value)}" for name, value in filters.items() if value),
    }


def filters_of(request: HttpRequest) -> dict[str, str]:
    """Return the filters of a page; without a protocol it shows each data set's default one."""
    return {"dataset": request.GET.get("dataset", ""), "protocol": request.GET.get("protocol") or leaderboard.DEFAULT}


def query_string(filters: Mapping[str, str]) -> str:
    """Return the query string of these filters with its question mark; empty when none is set."""
    encoded = urlencode({name: value for name, value in filters.items() if value})
    return f"?{encoded}" if encoded else ""


@dataclass(frozen=True)
class Chip:
    """A link that filters the tables by one value. count: of its rows, 0 where it is not said."""

    label: str
    query: str
    is_chosen: bool
    count: int = 0


@dataclass(frozen=True)
class _ShownSection:
    """A table with the chips of its data set's protocols."""

    table: leaderboard.Section
    protocols: list[Chip]


def dataset_chips(rows: Sequence[LeaderboardRow], filters: Mapping[str, str]) -> list[Chip]:
    """Return the chips of the data sets; none where there is one and it is not chosen."""
    names = {row.dataset.slug: row.dataset.name for row in rows}
    if len(names) < 2 and not filters["dataset"]:
        return []
    return [
        Chip(name, query_string({"dataset": slug}), filters["dataset"] == slug)
        for slug, name in [("", "All"), *sorted(names.items())]
    ]


def _protocol_chips(section: leaderboard.Section) -> list[Chip]:
    """Return the chips of the protocols of a table's data set."""
    return [
        Chip(
            protocol.label,
            query_string({"dataset": section.dataset.slug, "protocol": protocol.value}),
            protocol == section.protocol,
            count,
        )
        for protocol, count in section.protocols
    ]
