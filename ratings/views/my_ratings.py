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
from config.errors import Rejected
from config.undo import offer_undo, withdraw_undo
from ratings.models import Ballot
from ratings.services import ballots, consistency, my_ratings
from retrieval.models import Mark
from retrieval.search.forms import RestoredMarkForm
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
            "result": reverse("search-result", args=[search.pk, mark.ranking_id, mark.image_id]),
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
    user = signed_in(request)
    last, found = ballots.last_rated(user), consistency.own_consistency(user)
    context = _counts(request) | {"page": page, "last_rated": last, "consistency": found}
    return render(request, "ratings/my_ratings.html", context)


def _counts(request: HttpRequest) -> dict[str, int]:
    user = signed_in(request)
    return {"marks_total": marks.own_marks(user).count(), "ratings_total": my_ratings.own_ratings(user).count()}


@login_required
@require_POST
def remove_mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove one of one's marks, and offer to undo it, where the result can be marked again."""
    user = signed_in(request)
    mark = get_object_or_404(marks.own_marks(user), pk=pk)
    marks.remove_mark(mark)
    page = request.POST.get("page", "")
    if marks.markable_rankings(user).filter(pk=mark.ranking_id).exists():
        values = {"image": mark.image_id, "value": mark.value, "rated_at": mark.rated_at.isoformat()}
        offer_undo(request, "Mark removed.", reverse("my-mark-restore", args=[mark.ranking_id]), page=page, **values)
    else:
        messages.success(request, "Mark removed.")
    return redirect(_marks_page(page))


@login_required
@require_POST
def restore_mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a result the mark again that one removed a moment ago."""
    user = signed_in(request)
    ranking = get_object_or_404(marks.markable_rankings(user), pk=pk)
    withdraw_undo(request)
    form = RestoredMarkForm(request.POST)
    try:
        if form.is_valid():
            marks.restore_mark(user, ranking, **form.cleaned_data)
            messages.success(request, "Mark restored.")
        else:
            messages.error(request, "The mark was not restored: its picture, value or time is missing.")
    except Rejected as error:
        messages.error(request, f"The mark was not restored: {error}.")
    return redirect(_marks_page(request.POST.get("page", "")))


def _marks_page(page: str) -> str:
    url = reverse("my-marks")
    return f"{url}?page={page}" if page.isdecimal() and len(page) < 10 else url
