"""The pages of a person's own ratings and marks, under /me/ratings/."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import signed_in
from ratings.models import Ballot
from ratings.services import ballots, my_ratings
from retrieval.models import Mark
from retrieval.search.services import marks

PAGE = 24


@login_required
@never_cache
@require_safe
def own_marks(request: HttpRequest) -> HttpResponse:
    """List one's marks on single results; each can be changed or removed."""
    user = signed_in(request)
    page = Paginator(marks.own_marks(user), PAGE).get_page(request.GET.get("page"))
    rated = {ballot.search_id: ballot for ballot in my_ratings.own_ratings(user)}
    rows = [_row(mark, rated.get(mark.ranking.search_id)) for mark in page]
    return render(request, "ratings/my_marks.html", _counts(request) | {"page": page, "rows": rows})


def _row(mark: Mark, ballot: Ballot | None) -> dict[str, Any]:
    """Return a mark with the URLs of its query: a search of one's own, or a ballot that one rated.

    A mark on a ballot that was withdrawn since can only be removed.
    """
    search = mark.ranking.search
    row: dict[str, Any] = {"mark": mark}
    if search.owner_id is not None:
        return row | {
            "query_url": reverse("search-picture", args=[search.pk]),
            "where": reverse("search-detail", args=[search.pk]),
        }
    if ballot is not None:
        return row | {
            "query_url": reverse("ballot-query", args=[ballot.pk]),
            "where": reverse("rated", args=[ballot.pk]),
        }
    return row


@login_required
@never_cache
@require_safe
def own_ratings(request: HttpRequest) -> HttpResponse:
    """List the ballots that one has rated."""
    page = Paginator(my_ratings.own_ratings(signed_in(request)), PAGE).get_page(request.GET.get("page"))
    context = _counts(request) | {"page": page, "last_rated": ballots.last_rated(signed_in(request))}
    return render(request, "ratings/my_ratings.html", context)


def _counts(request: HttpRequest) -> dict[str, int]:
    user = signed_in(request)
    return {"marks_total": marks.own_marks(user).count(), "ratings_total": my_ratings.own_ratings(user).count()}


@login_required
@require_POST
def remove_mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove one of one's marks."""
    marks.remove_mark(get_object_or_404(marks.own_marks(signed_in(request)), pk=pk))
    messages.success(request, "Mark removed.")
    back = reverse("my-marks")
    page = request.POST.get("page", "")
    return redirect(f"{back}?page={page}" if page.isdecimal() and len(page) < 10 else back)
