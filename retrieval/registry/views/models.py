"""Pages of models and their imports, for curators."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from config.html_errors import rejection_as_message
from retrieval.datasets.services.revisions import measured_revision
from retrieval.models import Model, Run
from retrieval.registry.forms import ModelForm
from retrieval.registry.services import diagnostics, engines, external_models, indexes, model_files, visibility
from retrieval.registry.services import external_encoders as encoders
from retrieval.registry.services.legend import loss_titles
from retrieval.sparklines import curve_points


@curator_required
@never_cache
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a model with its metrics and all its indexes."""
    row = get_object_or_404(Model.objects.select_related("run__experiment", "dataset"), pk=pk)
    row.loss_title = loss_titles().get(row.loss, row.loss)  # type: ignore[attr-defined]
    context = {"model": row, "run": row.run, "indexes": indexes.indexes_of(row), **_diagnostics(row)}
    context |= {"files": model_files.files_of(row), "made_by": model_files.maker_of(row)}
    context["indexable"] = indexes.indexable_datasets(row)
    context["why_pytorch"] = engines.why_pytorch(row)
    context["measured_revision"] = measured_revision(row)
    return render(request, "retrieval/model.html", context)


def _diagnostics(row: Model) -> Mapping[str, object]:
    """Return metrics and diagnostics of a model; fewer for one of an older version."""
    metrics, details = row.metrics or {}, diagnostics.details_of(row)
    training = diagnostics.training_of(row.run or Run(history=[]))
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
    """Publish or unpublish a model."""
    row = get_object_or_404(Model, pk=pk)
    visibility.set_published(row, not row.published, by=signed_in(request))
    return redirect("model", pk=pk)


@curator_required
@require_POST
@rejection_as_message(back="model")
def toggle_default(request: HttpRequest, pk: int) -> HttpResponse:
    """Let new searches take a model unless people choose others, or no longer."""
    row = get_object_or_404(Model, pk=pk)
    visibility.set_default(row, not row.is_default, by=signed_in(request))
    return redirect("model", pk=pk)


@curator_required
def new(request: HttpRequest) -> HttpResponse:
    """Show the form that imports a model, or start the import."""
    form = ModelForm(request.POST or None, request.FILES or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            job = external_models.submit_model(**form.cleaned_data, by=signed_in(request))
        except Rejected as error:
            form.add_error(None, str(error))
        else:
            return redirect("job", pk=job.pk)
    return render(request, "retrieval/model_form.html", {"form": form}, status=400 if form.errors else 200)
