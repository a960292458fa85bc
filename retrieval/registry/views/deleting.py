"""Pages that delete, archive and restore experiments, runs and models, for curators."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from config.html_errors import rejection_as_message
from jobs import services as jobs
from jobs.errors import JobRefused
from retrieval.models import Experiment, Model, Run
from retrieval.registry.services import deleting, trained_parts
from retrieval.registry.services.legend import run_title


@curator_required
@never_cache
def delete(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Show what a deletion takes; delete, archive, or cancel the jobs that are in the way."""
    row: trained_parts.Row = get_object_or_404(trained_parts.KINDS[kind], pk=pk)  # type: ignore[assignment]  # one of three
    refused = ""
    if request.method == "POST":
        try:
            return _act(request, row)
        except Rejected as error:
            refused = str(error)
    consequences = trained_parts.consequences_of(row)
    context = {
        "kind": kind,
        "name": run_title(row, of_several=True) if isinstance(row, Run) else row.name,
        "page": reverse(kind, args=[pk]),
        "going": deleting.deletion_of(row),
        "going_away": consequences,
        "jobs": consequences.jobs,
        "can_be_archived": not isinstance(row, Run) and row.archived_at is None,
        "refused": refused,
    }
    return render(request, "retrieval/trained_delete.html", context, status=409 if refused else 200)


def _act(request: HttpRequest, row: trained_parts.Row) -> HttpResponse:
    by, action = signed_in(request), request.POST.get("action")
    if action == "cancel":
        for job in trained_parts.consequences_of(row).jobs:
            try:
                jobs.request_cancel(job, by=by)
            except JobRefused:  # it has ended since we looked
                continue
        return redirect(request.path)
    if action == "archive" and not isinstance(row, Run):
        deleting.archive(row, by=by)
        messages.success(request, f"{row.name} is archived.")
        return redirect(trained_parts.kind_of(row), pk=row.pk)
    return redirect("job", pk=deleting.submit_deletion(row, by=by).pk)


@curator_required
@require_POST
@rejection_as_message(back="experiment")
def restore_experiment(request: HttpRequest, pk: int) -> HttpResponse:
    """Restore an archived experiment."""
    deleting.restore(get_object_or_404(Experiment, pk=pk), by=signed_in(request))
    return redirect("experiment", pk=pk)


@curator_required
@require_POST
@rejection_as_message(back="model")
def restore_model(request: HttpRequest, pk: int) -> HttpResponse:
    """Restore an archived model."""
    deleting.restore(get_object_or_404(Model, pk=pk), by=signed_in(request))
    return redirect("model", pk=pk)
