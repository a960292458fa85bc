"""The classes of data sets, the files of their pictures, and whether a data set is public."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.permissions import curator_required, signed_in
from retrieval.datasets.services import pictures, visibility
from retrieval.datasets.services.classes import class_page
from retrieval.files import jpeg_page

MOST_WORDS = 200  # characters of a search for classes


@require_safe
def classes(request: HttpRequest, slug: str) -> HttpResponse:
    """List the classes of a data set, by words of their names; for htmx the list alone."""
    dataset = get_object_or_404(visibility.visible_datasets(request.user).filter(revision__gt=0), slug=slug)
    words = request.GET.get("q", "")[:MOST_WORDS].strip()
    page = class_page(dataset, words, request.GET.get("page"))
    part = "_class_list" if request.headers.get("HX-Request") else "dataset_class_list"
    answer = render(request, f"retrieval/{part}.html", {"dataset": dataset, "classes": page, "words": words})
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@require_GET
def picture(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Give a picture of a data set in its full size, without the camera's notes."""
    image = get_object_or_404(visibility.visible_images(request.user), pk=pk)
    return jpeg_page(request, lambda: pictures.shown_picture_of(image))


@require_GET
def thumbnail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Give a small JPEG of a picture."""
    image = get_object_or_404(visibility.visible_images(request.user), pk=pk)
    return jpeg_page(request, lambda: pictures.thumbnail_of(image))


@curator_required
@require_POST
def toggle_public(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a data set public, or not public any more."""
    dataset = get_object_or_404(visibility.visible_datasets(request.user), slug=slug)
    visibility.set_public(dataset, not dataset.public, by=signed_in(request))
    messages.success(request, f"{dataset.name} is {'no longer' if dataset.public else 'now'} public.")
    return redirect("dataset", slug=slug)
