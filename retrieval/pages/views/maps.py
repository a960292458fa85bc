"""The map of a data set: its page, its points, and the button that creates it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.models import Dataset, Index
from retrieval.pages.services import maps as services

MISSES = 24  # on a page


@never_cache
@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a model's map of a data set, by default that of the first model that has one."""
    dataset = _dataset(request, slug)
    entries = services.mapped_indexes(dataset, request.user)
    chosen = _chosen(entries, request.GET.get("model", ""))
    context = {"dataset": dataset, "entries": entries, "chosen": chosen}
    stored = services.stored_map(chosen.index) if chosen and chosen.has_map else None
    if chosen and stored:
        page = Paginator(services.misses_of(stored), MISSES).get_page(request.GET.get("page"))
        page.object_list = services.with_pictures(page.object_list)  # type: ignore[arg-type,assignment]
        context |= {"summary": services.summary_of(chosen.index, stored), "page": page}
    return render(request, "retrieval/dataset_map.html", context)


def _dataset(request: HttpRequest, slug: str) -> Dataset:
    return get_object_or_404(visible_datasets(request.user).filter(revision__gt=0), slug=slug)


def _chosen(entries: list[services.MappedIndex], wanted: str) -> services.MappedIndex | None:
    for entry in entries:
        if str(entry.index.model_id) == wanted:
            return entry
    return next((entry for entry in entries if entry.has_map), entries[0] if entries else None)


@never_cache
@require_GET
def points(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Return the points of an index's map as JSON."""
    index = _index(request, slug, pk)
    stored = services.stored_map(index)
    if stored is None:
        raise Http404("that index has no map yet")
    return JsonResponse(services.points_of(index, stored), json_dumps_params={"separators": (",", ":")})


def _index(request: HttpRequest, slug: str, pk: int) -> Index:
    entries = services.mapped_indexes(_dataset(request, slug), request.user)
    for entry in entries:
        if entry.index.pk == pk:
            return entry.index
    raise Http404("no such index is active")


@curator_required
@require_POST
def make(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Queue the creation of a map."""
    index = _index(request, slug, pk)
    try:
        services.submit_map(index, by=signed_in(request))
    except Rejected as error:
        messages.error(request, str(error))
    return redirect(f"{reverse('dataset-map', args=[slug])}?model={index.model_id}")
