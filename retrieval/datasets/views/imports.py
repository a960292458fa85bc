"""Pages that import a data set: the form of its source, and the preview of what would be imported."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from jobs.models import Job
from retrieval.datasets.forms import DELETE, IMPORT, PREVIEW, ImportForm
from retrieval.datasets.preview_form import PreviewForm
from retrieval.datasets.services import importing, previewing
from retrieval.datasets.services.sources import archive_formats, readable_kinds

CHANGED = "The layout was changed: check this preview, then import."


@curator_required
def start_import(request: HttpRequest) -> HttpResponse:
    """Show the form of a new data set, or queue its preview or its import."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _started(request, form)
        except Rejected as error:
            form.add_error(None, str(error))
    context = {"form": form, **_formats()}
    return render(request, "retrieval/dataset_import.html", context, status=400 if form.errors else 200)


def _started(request: HttpRequest, form: ImportForm) -> HttpResponse:
    by, origin, labelled = signed_in(request), form.origin(), form.cleaned_data["labelled"]
    if form.action == PREVIEW:
        job = previewing.submit_preview(**origin, labelled=labelled, about=form.about(), by=by)
        return redirect("dataset-preview", pk=job.pk)
    return redirect("job", pk=importing.submit_import(**origin, labelled=labelled, **form.about(), by=by).job_id)


def _formats() -> dict[str, Any]:
    """Return what the list of supported formats shows."""
    return {"readers": readable_kinds(), "archives": archive_formats()}


@curator_required
@never_cache
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the preview of an import, or queue another one, or the import."""
    job = get_object_or_404(previewing.visible_previews(request.user), pk=pk)
    if job.state != Job.State.SUCCEEDED:
        return render(request, "retrieval/dataset_preview.html", {"job": job})
    if request.POST.get("action") == DELETE:
        previewing.delete_kept(job)
        messages.success(request, "The upload was deleted.")
        return redirect("dataset-import")
    form = PreviewForm(request.POST if request.method == "POST" else None, job)
    if request.method == "POST" and form.is_valid():
        try:
            return _continued(request, job, form)
        except Rejected as error:
            form.add_error(None, str(error))
    kept = previewing.kept_upload(job)
    context = {"job": job, "form": form, "preview": job.result, "kept": kept, **_formats()}
    return render(request, "retrieval/dataset_preview.html", context, status=400 if form.errors else 200)


def _continued(request: HttpRequest, job: Job, form: PreviewForm) -> HttpResponse:
    by, origin, values = signed_in(request), previewing.origin_of(job), form.cleaned_data
    read = {"labelled": values["labelled"], "layout": values["layout"]}
    if form.action == IMPORT and not values["changed"]:
        return redirect("job", pk=importing.submit_import(**origin, **read, **form.about(), by=by).job_id)
    if form.action == IMPORT:
        messages.info(request, CHANGED)
    return redirect("dataset-preview", pk=previewing.submit_preview(**origin, **read, about=form.about(), by=by).pk)
