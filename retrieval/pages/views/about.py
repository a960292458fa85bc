"""What the site is, what it stores about people, and under which licences it stands."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from config import theme
from config.release import VERSION
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.pages.services import software


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Show what the site does, how models are measured, and how to cite it."""
    site = request.build_absolute_uri(reverse("search"))
    context = {"version": VERSION, "citation": software.citation(site)}
    return render(request, "retrieval/about.html", context)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Show what is stored, for how long, and who sees it."""
    context = {
        "session_cookie": settings.SESSION_COOKIE_NAME,
        "session_days": timedelta(seconds=settings.SESSION_COOKIE_AGE).days,
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "csrf_days": timedelta(seconds=settings.CSRF_COOKIE_AGE).days,
        "theme_cookie": theme.COOKIE,
        "theme_days": timedelta(seconds=theme.SECONDS).days,
        "upload_days": settings.LEFTOVER_DAYS,
        "fetches": settings.FETCH,
    }
    return render(request, "retrieval/privacy.html", context)


@require_safe
def licences(request: HttpRequest) -> HttpResponse:
    """Show the licences of the data sets that this person may see, and of the software."""
    context = {
        "datasets": visible_datasets(request.user),
        "python_packages": software.python_packages(),
        "browser_packages": software.browser_packages(),
    }
    return render(request, "retrieval/licences.html", context)
