"""Pages about searching."""

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
from retrieval.search.services import access, results, sharing


@never_cache
@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """Show a search to whoever has its link: of its results those that they may see without it, too."""
    search = _shared(token)
    columns = results.answers_of(search, request.user)
    for answer in (answer for column in columns for answer in column["answers"]):
        where = reverse("shared-picture", args=[token, answer["image"].pk])
        answer |= {"thumbnail_url": where, "picture_url": where, "relevance": None}
    context = results.summary_of(search, columns, request.user) | {
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
    """Give a small picture that a shared search shows, and no other."""
    search = _shared(token)
    if not any(pk in ranking.image_ids for ranking in search.rankings.all()):
        raise Http404("that search does not show that picture")
    image = get_object_or_404(visible_images(request.user), pk=pk)
    return jpeg_page(request, lambda: thumbnail_of(image))


@require_GET
def shared_query(request: HttpRequest, token: str) -> HttpResponseBase:
    """Give the query of a shared search."""
    search = _shared(token)
    return jpeg_page(request, lambda: access.query_file(search, request.user), personal=True)


@login_required
@require_GET
def query_picture(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Give the query of one's own search."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    return jpeg_page(request, lambda: access.query_file(search, request.user), personal=True)


@login_required
@require_POST
def share(request: HttpRequest, pk: str) -> HttpResponse:
    """Make a link to one's own search, or revoke it."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    sharing.set_shared(search, search.share_token is None)
    return redirect("search-detail", pk=pk)


@login_required
@require_POST
def delete(request: HttpRequest, pk: str) -> HttpResponse:
    """Remove one's own search with its picture."""
    access.delete_search(get_object_or_404(access.visible_searches(request.user), pk=pk))
    messages.success(request, "The search and its picture are deleted.")
    return redirect("searches")
