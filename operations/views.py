"""The page on which admins see what the site does."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.permissions import admin_required
from operations.services.overview import overview


@admin_required
@never_cache
@require_GET
def operations(request: HttpRequest) -> HttpResponse:
    """Show queues, processes, running jobs, storage and slow searches."""
    return render(request, "operations/overview.html", {"now": overview()})
