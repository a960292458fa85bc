"""Shared searches, query pictures, sharing and deletion."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from config.template_tags import isolate
from config.undo import offer_undo, withdraw_undo
from retrieval.datasets.services.pictures import shown_picture_of, thumbnail_of
from retrieval.datasets.services.visibility import visible_images
from retrieval.files import jpeg_page
from retrieval.models import Search
from retrieval.search.services import access, sharing
from retrieval.search.services.headlines import summary_text
from retrieval.search.services.results import results_of, summary_of
from retrieval.search.views.results import result_page


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
        "predicted": summary_text(results.headlines, isolate),
        "is_owner": False,
        "query_url": reverse("shared-query", args=[token]),
    }
    context |= _card(context)
    return render(request, "retrieval/search_detail.html", context)


def _card(context: dict[str, Any]) -> dict[str, str]:
    """Return what other sites show of a shared search: no more than whoever follows the link sees."""
    summary, results, token = context["summary"], context["results"], context["search"].share_token
    first = next((result for column in results.columns for result in column.results), None)
    image = ""
    if summary.query_shown:
        image = context["query_url"]
    elif first is not None:
        image = reverse("shared-picture", args=[token, first.image])
    return {
        "card_title": render_to_string("retrieval/_shared_title.html", context),
        "card_text": render_to_string("retrieval/_shared_text.html", context),
        "card_image": image,
    }


@never_cache
@require_safe
def shared_result(request: HttpRequest, token: str, ranking: int, image: int) -> HttpResponse:
    """Show one result of a shared search in large to whoever has its link."""
    return result_page(request, _shared(token), ranking, image, is_owner=False)


def _shared(token: str) -> Search:
    search = sharing.shared_search(token)
    if search is None:
        raise Http404("that link was revoked or never was")
    return search


@require_GET
def shared_picture(request: HttpRequest, token: str, pk: int) -> HttpResponseBase:
    """Return a picture that a shared search shows, and no other: small, or whole with ?size=large."""
    search = _shared(token)
    if not any(pk in ranking.image_ids for ranking in search.rankings.all()):
        raise Http404("that search does not show that picture")
    image = get_object_or_404(visible_images(request.user), pk=pk)
    read = shown_picture_of if request.GET.get("size") == "large" else thumbnail_of
    return jpeg_page(request, lambda: read(image))


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
    return redirect(f"{reverse('search-detail', args=[pk])}#keep")


@login_required
@require_POST
def delete(request: HttpRequest, pk: str) -> HttpResponse:
    """Delete one's own search with its picture, and offer to undo it."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    access.delete_search(search)
    offer_undo(request, "Search deleted.", reverse("search-restore", args=[search.pk]))
    return redirect("searches")


@login_required
@require_POST
def restore(request: HttpRequest, pk: str) -> HttpResponse:
    """Bring a search back that one deleted a moment ago."""
    search = access.deleted_searches(request.user).filter(pk=pk).first()
    withdraw_undo(request)
    if search is None or not access.restore_search(search):
        messages.error(request, "That search is gone: a deletion can be undone for a minute.")
        return redirect("searches")
    messages.success(request, "Search restored.")
    return redirect("search-detail", pk=pk)
