"""Shared searches, query pictures, sharing and deletion."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from retrieval.datasets.services.pictures import thumbnail_of
from retrieval.datasets.services.visibility import visible_images
from retrieval.files import jpeg_page
from retrieval.models import Search
from retrieval.search.services import access, sharing
from retrieval.search.services.results import results_of, summary_of


@never_cache
@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """Show a search to whoever has its link: of its results those that they may see without it."""
    search = _shared(token)
    results = results_of(search, request.user, with_predictions=True)
    context = {
        "search": search,
        "results": results,
        "summary": summary_of(results, request.user),
        "is_owner": False,
        "query_url": reverse("shared-query", args=[token]),
    }
    return render(request, "retrieval/search_detail.html", context)


def _shared(token: str) -> Search:
    search = sharing.shared_search(token)
    if search is None:
        raise Http404("that link was revoked or never was")
    return search


@require_GET
def shared_picture(request: HttpRequest, token: str, pk: int) -> HttpResponseBase:
    """Return a small picture that a shared search shows, and no other."""
    search = _shared(token)
    if not any(pk in ranking.image_ids for ranking in search.rankings.all()):
        raise Http404("that search does not show that picture")
    image = get_object_or_404(visible_images(request.user), pk=pk)
    return jpeg_page(request, lambda: thumbnail_of(image))


@require_GET
def shared_query(request: HttpRequest, token: str) -> HttpResponseBase:
    """Return the query of a shared search."""
    search = _shared(token)
    return jpeg_page(request, lambda: access.query_file(search, request.user), personal=True)


@login_required
@require_GET
def query_picture(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Return the query of one's own search."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    return jpeg_page(request, lambda: access.query_file(search, request.user), personal=True)


@login_required
@require_POST
def share(request: HttpRequest, pk: str) -> HttpResponse:
    """Create a link to one's own search, or revoke it."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    sharing.set_shared(search, search.share_token is None)
    return redirect("search-detail", pk=pk)


@login_required
@require_POST
def delete(request: HttpRequest, pk: str) -> HttpResponse:
    """Delete one's own search with its picture."""
    access.delete_search(get_object_or_404(access.visible_searches(request.user), pk=pk))
    messages.success(request, "Search deleted, with its picture.")
    return redirect("searches")
