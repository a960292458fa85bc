"""The page of what can be kept, and the files themselves."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.permissions import signed_in
from retrieval import downloads as registry
from retrieval.datasets.services.seeing import visible_datasets
from retrieval.experiments.attachments import report_file
from retrieval.experiments.services import report_downloads
from retrieval.registry.attachments import model_attachment
from retrieval.registry.services.visibility import visible_models


@login_required
@never_cache
@require_safe
def every_download(request: HttpRequest) -> HttpResponse:
    """List what this person may keep, by data set; of one data set or kind when asked."""
    datasets = visible_datasets(request.user)
    wanted = {name: request.GET.get(name, "") for name in ("dataset", "kind")}
    chosen = datasets.filter(slug=wanted["dataset"]) if wanted["dataset"] else datasets
    kinds = {name: kind for name, kind in registry.KINDS.items() if wanted["kind"] in ("", name)}
    listed = {name: list(kind.listing(signed_in(request), chosen)) for name, kind in kinds.items()}
    sections = [(dataset, _kinds_of(dataset, listed)) for dataset in chosen]
    context = {
        "datasets": datasets,
        "kinds": registry.KINDS,
        "wanted": wanted,
        "sections": [(dataset, found) for dataset, found in sections if found],
    }
    return render(request, "retrieval/downloads.html", context)


def _kinds_of(dataset: Any, listed: dict[str, list[registry.Download]]) -> list[dict[str, Any]]:
    """Return the kinds of files that a data set has, each with its files by what they belong to."""
    own = {name: [file for file in found if file.dataset == dataset] for name, found in listed.items()}
    return [
        {"name": name, "kind": registry.KINDS[name], "groups": _groups(found)} for name, found in own.items() if found
    ]


def _groups(found: Iterable[registry.Download]) -> list[dict[str, Any]]:
    """Return files that follow each other and belong together; routes of one thing differ in their last part only."""
    return [
        {
            "of": rows[0].of,
            "color": rows[0].color,
            "files": [(row, reverse(row.route[0], args=row.route[1:])) for row in rows],
        }
        for _, group in groupby(found, key=lambda file: file.route[:-1])
        if (rows := list(group))
    ]


@login_required
@require_safe
def model_file(request: HttpRequest, pk: int, part: str) -> HttpResponseBase:
    """Give a file of a model that this person may see."""
    return model_attachment(get_object_or_404(visible_models(request.user), pk=pk), part)


@login_required
@require_safe
def report(request: HttpRequest, pk: int, suffix: str) -> HttpResponseBase:
    """Give the report of an experiment whose models this person may see."""
    return report_file(get_object_or_404(report_downloads.visible_reports(request.user), pk=pk), suffix)
