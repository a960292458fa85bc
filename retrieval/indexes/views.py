"""What curators do with indexes."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.permissions import curator_required, signed_in
from retrieval.errors import Refused
from retrieval.indexes import services
from retrieval.models import Index, Model


@curator_required
@require_POST
def build(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue the rebuild of a model's index."""
    job = services.submit_index(get_object_or_404(Model, pk=pk), by=signed_in(request))
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
