"""What curators do with indexes."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.permissions import curator_required, signed_in
from retrieval.errors import Refused
from retrieval.models import Index, Model
from retrieval.registry.services import indexes as services


@curator_required
@require_POST
def build(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue the build of a model's index, of its own data set or of the one chosen."""
    model = get_object_or_404(Model, pk=pk)
    wanted = request.POST.get("dataset", "")
    chosen = next((row for row in services.indexable_datasets(model) if str(row.pk) == wanted), None)
    if wanted and chosen is None:
        messages.error(request, f"No index of data set {wanted[:20]} can be built for {model.name}; choose another.")
        return redirect("model", pk=pk)
    try:
        job = services.submit_index(model, chosen, by=signed_in(request))
    except Refused as error:
        messages.error(request, str(error))
        return redirect("model", pk=pk)
    return redirect("job", pk=job.pk)


@curator_required
@require_POST
def activate(request: HttpRequest, pk: int) -> HttpResponse:
    """Let an index serve: a new one, or an older one again."""
    index = get_object_or_404(Index, pk=pk)
    try:
        services.activate(index, by=signed_in(request))
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Searches of {index.model.name} now read index {index.pk}.")
    return redirect("model", pk=index.model_id)
