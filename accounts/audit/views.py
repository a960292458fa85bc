"""The audit trail for curators: its page and its CSV."""

import json

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.audit.filters import AuditFilter
from accounts.models import AuditEntry
from accounts.permissions import curator_required
from config.spreadsheets import csv_response

PAGE = 50


@curator_required
@never_cache
@require_GET
def trail(request: HttpRequest) -> HttpResponse:
    """Show the trail, newest first, filtered."""
    trail_filter = AuditFilter(request.GET, queryset=AuditEntry.objects.all())
    page = Paginator(trail_filter.entries, PAGE).get_page(request.GET.get("page"))
    is_filtered = any(trail_filter.form.data.get(name) for name in trail_filter.filters)
    context = {"filter": trail_filter, "page": page, "is_filtered": is_filtered}
    return render(request, "accounts/audit.html", context, status=200 if trail_filter.is_valid() else 400)


@curator_required
@never_cache
@require_GET
def export(request: HttpRequest) -> HttpResponseBase:
    """Give the entries that the page shows, all pages of them, as CSV."""
    entries = AuditFilter(request.GET, queryset=AuditEntry.objects.all()).entries
    rows = (
        (entry.at.isoformat(), entry.who_name, entry.action, entry.target, json.dumps(entry.details))
        for entry in entries.iterator()
    )
    return csv_response("kindred-audit.csv", ("created_at", "user_name", "action", "target", "details"), rows)
