"""The page of a class."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from retrieval.datasets.services.classes import name_of
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.pages.services import class_search as services

PAGE = 60


@require_safe
def detail(request: HttpRequest, slug: str, label: int) -> HttpResponse:
    """Show a class: its pictures, counts, and the classes most similar to it."""
    dataset = get_object_or_404(visible_datasets(request.user), slug=slug)
    if not services.has_class(dataset, label):
        raise Http404(f"{dataset.name} has no class {label}")
    page = Paginator(services.pictures_of(dataset, label), PAGE).get_page(request.GET.get("page"))
    page.object_list = list(page.object_list)  # read once: the preview card shows the first
    context = {
        "dataset": dataset,
        "label": label,
        "name": name_of(dataset, label),
        "counts": services.counts_of(dataset, label),
        "near": services.neighbourhood_of(dataset, label),
        "page": page,
    }
    return render(request, "retrieval/class.html", context)
