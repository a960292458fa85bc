"""The audit trail for curators, to read and to take along."""

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
    """Show the trail, newest first, narrowed as asked."""
    entries = AuditFilter(request.GET, queryset=AuditEntry.objects.all())
    page = Paginator(entries.found, PAGE).get_page(request.GET.get("page"))
    context = {"filter": entries, "page": page, "asked": any(entries.form.data.get(name) for name in entries.filters)}
    return render(request, "accounts/audit.html", context, status=200 if entries.is_valid() else 400)


@curator_required
@never_cache
@require_GET
def export(request: HttpRequest) -> HttpResponseBase:
    """Give the entries that the page shows, all pages of them, as CSV."""
    entries = AuditFilter(request.GET, queryset=AuditEntry.objects.all()).found
    rows = (
        (entry.at.isoformat(), entry.who_name, entry.action, entry.target, json.dumps(entry.details))
        for entry in entries.iterator()
    )
    return csv_response("kindred-audit.csv", ("at", "who", "action", "target", "details"), rows)
