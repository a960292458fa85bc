"""The page of a model, and what curators do with it there."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import curator_required, signed_in
from config.html_errors import rejection_as_message
from retrieval.datasets.services.staleness import measured_revision
from retrieval.models import Model
from retrieval.registry.services import diagnostics, indexes, model_files, published
from retrieval.registry.services import external_encoders as encoders
from retrieval.registry.services.loss_titles import loss_titles
from retrieval.sparklines import curve_points


@curator_required
@never_cache
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a model with its figures and every index it had."""
    row = get_object_or_404(Model.objects.select_related("run__experiment", "dataset"), pk=pk)
    row.loss_title = loss_titles().get(row.loss, row.loss)  # type: ignore[attr-defined]
    context = {"model": row, "run": row.run, "indexes": indexes.indexes_of(row), **_diagnostics(row)}
    context |= {"files": model_files.files_of(row), "made_by": model_files.maker_of(row)}
    context["indexable"] = indexes.indexable_datasets(row)
    context["measured_revision"] = measured_revision(row)
    return render(request, "retrieval/model.html", context)


def _diagnostics(row: Model) -> dict[str, Any]:
    """Return what is known of why a model earns what it earns; less of one made before it was noted."""
    metrics, details = row.metrics or {}, diagnostics.details_of(row)
    training = diagnostics.training_of(row.run) if row.run else {"warnings": [], "curves": []}
    return {
        "metrics": diagnostics.metric_rows(metrics) if metrics else [],
        "queries": metrics.get("queries"),
        "gallery": metrics.get("gallery"),
        "shape": diagnostics.shape_of(metrics),
        "mistakes": diagnostics.mistakes_of(row, details) if details else None,
        "warnings": training["warnings"],
        "curves": [(title, curve_points(values), values) for title, values in training["curves"]],
    }


@curator_required
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Let searches use a suspended model again."""
    encoders.resume(get_object_or_404(Model, pk=pk), by=signed_in(request))
    return redirect("model", pk=pk)


@curator_required
@require_POST
@rejection_as_message(back="model")
def toggle_published(request: HttpRequest, pk: int) -> HttpResponse:
    """Let people search with a model, or not any more."""
    row = get_object_or_404(Model, pk=pk)
    published.set_published(row, not row.published, by=signed_in(request))
    return redirect("model", pk=pk)
