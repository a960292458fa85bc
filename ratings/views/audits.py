"""The audit of the leaderboard: what could make its blind ratings mislead."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.template_tags import isolate
from ratings.errors import UnknownFilter
from ratings.services import leaderboard_audit
from ratings.services.audit_drift import Drift, Period
from ratings.services.audits import audits_of
from ratings.services.leaderboard_audit import Audit
from ratings.services.leaderboard_rows import measured_rows
from ratings.views.leaderboard import dataset_chips, filters_of

WIDTH, HEIGHT, EDGE = 240, 80, 6
"""Of the drawing of a drift, in its own units."""


@never_cache
@require_safe
def show_audit(request: HttpRequest) -> HttpResponse:
    """Show the checks of each table's ratings, and warn in words where one fails."""
    filters = filters_of(request)
    rows = measured_rows(request.user)
    chips = dataset_chips(rows, filters)
    try:
        audits = audits_of(request.user, rows, **filters)
    except UnknownFilter as unknown:
        context: dict[str, object] = {"reason": str(unknown), "chips": chips}
        return render(request, "ratings/audit.html", context, status=HTTPStatus.NOT_FOUND)
    shown = [ShownAudit(audit, list(audit.warnings_with(isolate)), *_drawn(audit)) for audit in audits]
    few = 100 * leaderboard_audit.FEW_SHARE
    return render(request, "ratings/audit.html", {"audits": shown, "chips": chips, "few_percent": few})


@dataclass(frozen=True)
class Point:
    """A period in a drawing: its place from the left, and the places of its value and its interval from the top."""

    x: str
    y: str
    low: str
    high: str
    has_interval: bool


@dataclass(frozen=True)
class ShownAudit:
    """An audit, its warnings with the names isolated, and the drawings of its two drifts."""

    table: Audit
    warnings: list[str]
    level: list[Point]
    difference: list[Point]


def _drawn(audit: Audit) -> tuple[list[Point], list[Point]]:
    return _points(audit.level), _points(audit.difference)


def _points(drift: Drift | None) -> list[Point]:
    """Return the points of the periods that have a value, within the drawing; the highest end is on top."""
    if drift is None:
        return []
    ends = [end for one in drift.periods for end in (one.value, one.low, one.high) if end is not None]
    top, span = max(ends, default=0.0), (max(ends, default=0.0) - min(ends, default=0.0)) or 1.0
    return [
        _point(place, one, drift.periods, top, span) for place, one in enumerate(drift.periods) if one.value is not None
    ]


def _point(place: int, one: Period, periods: Sequence[Period], top: float, span: float) -> Point:
    def y(value: float | None) -> str:
        known = value if value is not None else one.value
        return f"{EDGE + (HEIGHT - 2 * EDGE) * (top - (known or 0.0)) / span:.1f}"

    x = EDGE + (WIDTH - 2 * EDGE) * place / max(1, len(periods) - 1)
    return Point(f"{x:.1f}", y(one.value), y(one.low), y(one.high), one.low is not None)
