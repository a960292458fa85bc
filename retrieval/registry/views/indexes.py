"""Pages that build and activate indexes, for curators."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from config.html_errors import rejection_as_message
from retrieval.datasets.views.curating import curated, sent
from retrieval.models import Index, Model
from retrieval.registry.forms import IndexForm
from retrieval.registry.services import indexes as services


@curator_required
@require_POST
@rejection_as_message(back="model")
def build(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue the build of a model's index, of its own data set or of another."""
    model = get_object_or_404(Model, pk=pk)
    wanted = request.POST.get("dataset", "")
    dataset = next((row for row in services.indexable_datasets(model) if str(row.pk) == wanted), None)
    if wanted and dataset is None:
        raise Rejected(f"{model.name} cannot index data set {wanted[:20]}; select another.")
    return redirect("job", pk=services.submit_index(model, dataset, by=signed_in(request)).pk)


@curator_required
@require_POST
def activate(request: HttpRequest, pk: int) -> HttpResponse:
    """Activate an index: a new one, or an older one to roll back."""
    index = get_object_or_404(Index, pk=pk)
    try:
        services.activate(index, by=signed_in(request))
    except Rejected as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Index {index.pk} of {index.model.name} is active.")
    return redirect("model", pk=index.model_id)


@curator_required
@never_cache
def of_dataset(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the search indexes of a data set, or queue the build of another."""
    dataset = curated(request.user, slug)
    models = Model.objects.filter(has_network=True).select_related("dataset").order_by("dataset__name", "name")
    form = IndexForm(sent(request)[0], models=models)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(
                "job", pk=services.submit_index(form.cleaned_data["model"], dataset=dataset, by=signed_in(request)).pk
            )
        except Rejected as error:
            form.add_error(None, str(error))
    serving = dataset.indexes.filter(active=True).select_related("model__dataset")
    context = {"dataset": dataset, "form": form, "serving": serving, "any_model": models.exists()}
    return render(request, "retrieval/dataset_index.html", context, status=400 if form.errors else 200)
