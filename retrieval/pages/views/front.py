"""The front page: the search form for members, a welcome page for visitors."""

from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from retrieval.datasets.services.classes import with_class_count
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.search.services.try_out import searchable_samples, welcome_example
from retrieval.search.views.form import home

SAMPLES = 12

Section = Callable[[HttpRequest], str]
"""Called with a visitor's request; returns safe HTML, or "" for nothing."""

_SECTIONS: list[Section] = []


def register(section: Section) -> None:
    """Add a section to the welcome; an app above does so in `AppConfig.ready()`."""
    if section not in _SECTIONS:
        _SECTIONS.append(section)


def front(request: HttpRequest) -> HttpResponseBase:
    """Show the search form to members, the welcome page to visitors."""
    if request.user.is_authenticated:
        return home(request)
    if request.method == "POST":  # their session ended while the page was open
        return redirect_to_login(request.path)
    context = {
        "sections": [section(request) for section in _SECTIONS],
        "datasets": with_class_count(visible_datasets(request.user)),
        "example": welcome_example(request.user),
        "samples": searchable_samples(request.user, SAMPLES),
    }
    return render(request, "retrieval/welcome.html", context)
