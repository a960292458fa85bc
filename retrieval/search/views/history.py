"""The search history: all searches, saved ones, and their removal."""

from typing import Any, TypedDict

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.permissions import signed_in
from config.errors import Rejected
from config.template_tags import isolate
from config.undo import offer_undo, withdraw_undo
from retrieval.datasets.services.visibility import shown_images
from retrieval.models import Search
from retrieval.search.services import access, history

PAGE = 24


@login_required
@never_cache
@require_safe
def every_search(request: HttpRequest) -> HttpResponse:
    """List one's own searches, one entry for all with the same picture."""
    page = Paginator(history.entries_of(signed_in(request)), PAGE).get_page(request.GET.get("page"))
    page.object_list = _with_pictures(signed_in(request), page.object_list, "newest")
    return render(request, "retrieval/searches.html", {**_counts(request), "page": page})


@login_required
@never_cache
@require_safe
def saved_searches(request: HttpRequest) -> HttpResponse:
    """List one's saved searches."""
    page = Paginator(history.saved_of(signed_in(request)), PAGE).get_page(request.GET.get("page"))
    page.object_list = _with_pictures(signed_in(request), page.object_list, "pk")
    return render(request, "retrieval/searches_saved.html", {**_counts(request), "page": page})


def _with_pictures(user: User, searches: Any, leads_to: str) -> list[Search]:
    """Return searches with the URL of each query, `query_url`, and `found`, the first results of the one it leads to.

    query_url: "" where the query is a picture which is hidden now. leads_to: the attribute with that search's key.
    """
    rows: list[Any] = list(searches)
    found = history.first_results(user, [getattr(search, leads_to) for search in rows])
    queries = [search.query_image_id for search in rows if search.query_image_id]
    shown = set(shown_images(user).filter(pk__in=queries).values_list("pk", flat=True))
    for search in rows:
        search.found = found.get(getattr(search, leads_to), [])
        if search.query_image_id is None:
            search.query_url = reverse("search-picture", args=[search.pk])
        else:
            small = search.query_image_id in shown
            search.query_url = reverse("thumbnail", args=[search.query_image_id]) if small else ""
    return rows


class Counts(TypedDict):
    """How many entries and how many saved searches a person has."""

    entries_total: int
    saved_total: int


def _counts(request: HttpRequest) -> Counts:
    user = signed_in(request)
    return {"entries_total": history.entries_of(user).count(), "saved_total": history.saved_of(user).count()}


@login_required
@require_POST
def save(request: HttpRequest, pk: str) -> HttpResponse:
    """Save one's own search under a name, or give a saved one another; with `undo`, the name that it had."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    before = search.name
    try:
        history.save_search(search, request.POST.get("name", ""))
    except Rejected as error:
        messages.error(request, f"Not saved: {error}.")
        return redirect(_back(request, pk))
    if "undo" in request.POST:
        withdraw_undo(request)
    elif before and before != search.name:
        _offer_name(request, search, before, f"Renamed: it was {isolate(before)}.")
    messages.success(request, f"Saved as {isolate(search.name)}.")
    return redirect(_back(request, pk))


@login_required
@require_POST
def unsave(request: HttpRequest, pk: str) -> HttpResponse:
    """Remove the name of a saved search, and offer to undo it; the search stays."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    before = search.name
    history.unsave_search(search)
    if before:
        _offer_name(request, search, before, "Removed from saved. Still in your history.")
    return redirect(_back(request, pk))


def _offer_name(request: HttpRequest, search: Search, name: str, text: str) -> None:
    """Offer to save a search under the name that it had."""
    back = _back(request, str(search.pk))
    offer_undo(request, text, reverse("search-save", args=[search.pk]), name=name, back=back, undo=1)


def _back(request: HttpRequest, pk: str) -> str:
    """Return the page of this site that the form names, or else the search."""
    back = request.POST.get("back", "")
    own = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if own else reverse("search-detail", args=[pk])


@login_required
@never_cache
def delete_all(request: HttpRequest) -> HttpResponse:
    """Ask for confirmation, then delete all of one's searches."""
    user = signed_in(request)
    if request.method == "POST":
        deleted = history.delete_all(user, saved=bool(request.POST.get("saved")))
        messages.success(request, f"{deleted} {'entry' if deleted == 1 else 'entries'} deleted, with the pictures.")
        return redirect("searches")
    kept = history.entries_of(user).filter(has_saved=True).count()
    return render(request, "retrieval/searches_delete.html", {**_counts(request), "kept": kept})
