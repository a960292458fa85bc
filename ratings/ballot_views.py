"""Blind ballots in a browser: the next query, one's vote on it, whose columns they were."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import signed_in
from config.errors import Busy, Rejected
from config.html_errors import error_page
from ratings.errors import NothingToRate
from ratings.models import Ballot
from ratings.services import ballots, showing
from retrieval.search.services.marks import marks_of

DIGITS = frozenset("0123456789")


@login_required
@never_cache
def rate(request: HttpRequest) -> HttpResponse:
    """Show the next query with anonymous columns, or take its scores."""
    user = signed_in(request)
    if request.method == "POST":
        return _take_vote(request)
    try:
        return _ballot_page(request, ballots.next_ballot(user))
    except NothingToRate as nothing:
        return _no_ballot_page(request, str(nothing), 200)
    except Busy as busy:
        reason = str(busy)
        return error_page(busy, lambda status: _no_ballot_page(request, reason, status))


def _no_ballot_page(request: HttpRequest, reason: str, status: int) -> HttpResponse:
    user = signed_in(request)
    context = {"reason": reason, "progress": ballots.progress_of(user), "last": ballots.last_vote(user)}
    return render(request, "ratings/rate.html", context, status=status)


def _ballot_page(request: HttpRequest, ballot: Ballot, status: int = 200) -> HttpResponse:
    user = signed_in(request)
    context = {
        "ballot": ballot,
        "progress": ballots.progress_of(user),
        "last": ballots.last_vote(user),
        "query_url": reverse("ballot-query", args=[ballot.pk]),
        "columns": _columns(ballot),
    }
    return render(request, "ratings/rate.html", context, status=status)


def _take_vote(request: HttpRequest) -> HttpResponse:
    ballot = _own_ballot(request, request.POST.get("ballot", ""))
    given = {key: request.POST.get(f"score-{key}", "") for key in ballot.order}
    try:
        if "none_good" in request.POST:
            ballots.vote_none(ballot)
        else:
            ballots.vote(ballot, {key: int(value) for key, value in given.items() if value in DIGITS})
    except Rejected as error:
        messages.error(request, str(error))
        if ballot.withdrawn_at is not None:
            return redirect("rate")
        return _ballot_page(request, ballot, status=400)
    return redirect("rated", pk=ballot.pk)


@login_required
@require_POST
def withdraw(request: HttpRequest, pk: str) -> HttpResponse:
    """Take one's last vote back, and go on with the next picture."""
    try:
        ballots.withdraw(_own_ballot(request, pk))
    except Rejected as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            "Your vote is withdrawn and counts nowhere. You have seen its names, so that picture will not come again.",
        )
    return redirect("rate")


def _own_ballot(request: HttpRequest, pk: str) -> Ballot:
    try:
        return get_object_or_404(ballots.ballots_of(signed_in(request)), pk=pk)
    except ValidationError:  # not a UUID at all
        raise Http404("there is no such ballot") from None


def _columns(ballot: Ballot) -> list[dict[str, Any]]:
    """Return the columns as they stood; a picture's own page would give its class away, so none is linked."""
    query = ballot.search.query_image
    return [
        {
            "letter": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[place % 26],
            "ranking": column.ranking,
            "score": column.score,
            "answers": [
                {
                    "image": image,
                    "rank": rank,
                    "thumbnail_url": reverse("thumbnail", args=[image.pk]),
                    "class_name": image.class_name,
                    "right": query is not None and image.label == query.label,
                }
                for rank, image in column.answers
            ],
        }
        for place, column in enumerate(showing.columns_of(ballot))
    ]


@login_required
@never_cache
@require_safe
def rated(request: HttpRequest, pk: str) -> HttpResponse:
    """Show whose columns they were, after voting, with one's marks on the answers."""
    user = signed_in(request)
    ballot = get_object_or_404(ballots.ballots_of(user), pk=pk, voted_at__isnull=False)
    columns = _columns(ballot)
    marks = marks_of(user, [column["ranking"].pk for column in columns])
    for column in columns:
        column["model"] = column["ranking"].model
        for answer in column["answers"]:
            answer["mark"] = marks.get((column["ranking"].pk, answer["image"].pk))
    query = ballot.search.query_image
    context = {
        "ballot": ballot,
        "is_last": ballots.last_vote(user) == ballot,
        "query_url": reverse("ballot-query", args=[ballot.pk]),
        "query_class": query.class_name if query else "",
        "columns": columns,
        "progress": ballots.progress_of(user),
    }
    return render(request, "ratings/rated.html", context)
