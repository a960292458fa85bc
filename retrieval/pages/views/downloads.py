"""The downloads page, and its files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.permissions import signed_in
from retrieval import downloads as registry
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.experiments.attachments import report_file
from retrieval.experiments.services import report_downloads
from retrieval.models import Dataset
from retrieval.registry.attachments import model_attachment
from retrieval.registry.services.visibility import visible_models


@login_required
@never_cache
@require_safe
def every_download(request: HttpRequest) -> HttpResponse:
    """List the files that this person may download, by data set; filtered by data set or kind."""
    datasets = visible_datasets(request.user)
    wanted = {name: request.GET.get(name, "") for name in ("dataset", "kind")}
    shown = datasets.filter(slug=wanted["dataset"]) if wanted["dataset"] else datasets
    kinds = {name: kind for name, kind in registry.KINDS.items() if wanted["kind"] in ("", name)}
    listed = {name: list(kind.listing(signed_in(request), shown)) for name, kind in kinds.items()}
    sections = [(dataset, _parts_of(dataset, listed)) for dataset in shown]
    context = {
        "datasets": datasets,
        "kinds": registry.KINDS,
        "wanted": wanted,
        "sections": [(dataset, parts) for dataset, parts in sections if parts],
    }
    return render(request, "retrieval/downloads.html", context)


@dataclass(frozen=True)
class _Group:
    """Files of one model or report, each with its URL."""

    of: str
    color: int | None
    files: list[tuple[registry.Download, str]]


@dataclass(frozen=True)
class _Part:
    """Files of one kind that belong to a data set."""

    name: str
    kind: registry.Kind
    groups: list[_Group]


def _parts_of(dataset: Dataset, listed: Mapping[str, list[registry.Download]]) -> list[_Part]:
    own = {name: [file for file in files if file.dataset == dataset] for name, files in listed.items()}
    return [_Part(name, registry.KINDS[name], _groups(files)) for name, files in own.items() if files]


def _groups(files: Iterable[registry.Download]) -> list[_Group]:
    """Return the groups of adjacent files; routes within one differ in their last part only."""
    return [
        _Group(rows[0].of, rows[0].color, [(row, reverse(row.route[0], args=row.route[1:])) for row in rows])
        for _, group in groupby(files, key=lambda file: file.route[:-1])
        if (rows := list(group))
    ]


@login_required
@require_safe
def model_file(request: HttpRequest, pk: int, part: str) -> HttpResponseBase:
    """Return a file of a model that this person may see."""
    return model_attachment(get_object_or_404(visible_models(request.user), pk=pk), part)


@login_required
@require_safe
def report(request: HttpRequest, pk: int, suffix: str) -> HttpResponseBase:
    """Return the report of an experiment whose models this person may see."""
    return report_file(get_object_or_404(report_downloads.visible_reports(request.user), pk=pk), suffix)
