"""Blind ballots in a browser: the next query, its ratings, and whose columns they were."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.permissions import signed_in
from config.errors import Busy, Rejected
from config.html_errors import error_page
from ratings.errors import NothingToRate
from ratings.models import Ballot
from ratings.services import ballot_columns, ballots
from ratings.services.ballot_columns import BallotColumn
from retrieval.models import Image, Model, Ranking
from retrieval.search.services.marks import marks_of

DIGITS = frozenset("0123456789")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class ShownResult:
    """A result in a column; mark: the person's mark on it, None without one or before the rating."""

    image: Image
    rank: int
    thumbnail_url: str
    is_same_class: bool
    mark: int | None


@dataclass(frozen=True)
class ShownColumn:
    """A column under its letter; rating: None before the ballot is rated."""

    letter: str
    ranking: Ranking
    rating: int | None
    results: list[ShownResult]

    @property
    def model(self) -> Model:
        """The model of the results; a template names it only once the ballot is rated."""
        return self.ranking.model


@login_required
@never_cache
def rate(request: HttpRequest) -> HttpResponse:
    """Show the next query with anonymous columns, or take its ratings."""
    user = signed_in(request)
    if request.method == "POST":
        return _take_ratings(request)
    try:
        return _ballot_page(request, ballots.next_ballot(user))
    except NothingToRate as nothing:
        return _no_ballot_page(request, str(nothing), 200)
    except Busy as busy:
        reason = str(busy)
        return error_page(busy, lambda status: _no_ballot_page(request, reason, status))


def _no_ballot_page(request: HttpRequest, reason: str, status: int) -> HttpResponse:
    user = signed_in(request)
    context = {"reason": reason, "progress": ballots.progress_of(user), "last": ballots.last_rated(user)}
    return render(request, "ratings/rate.html", context, status=status)


def _ballot_page(request: HttpRequest, ballot: Ballot, status: int = 200) -> HttpResponse:
    user = signed_in(request)
    context = {
        "ballot": ballot,
        "progress": ballots.progress_of(user),
        "last": ballots.last_rated(user),
        "query_url": reverse("ballot-query", args=[ballot.pk]),
        "columns": _columns(ballot, ballot_columns.columns_of(ballot), {}),
    }
    return render(request, "ratings/rate.html", context, status=status)


def _take_ratings(request: HttpRequest) -> HttpResponse:
    ballot = _own_ballot(request, request.POST.get("ballot", ""))
    values = {key: request.POST.get(f"rating-{key}", "") for key in ballot.order}
    try:
        if "all_bad" in request.POST:
            ballots.rate_all_bad(ballot)
        else:
            ballots.rate(ballot, {key: int(value) for key, value in values.items() if value in DIGITS})
    except Rejected as error:
        messages.error(request, str(error))
        if ballot.withdrawn_at is not None:
            return redirect("rate")
        return _ballot_page(request, ballot, status=400)
    return redirect("rated", pk=ballot.pk)


@login_required
@require_POST
def withdraw(request: HttpRequest, pk: str) -> HttpResponse:
    """Withdraw one's last ballot, and go on with the next picture."""
    try:
        ballots.withdraw(_own_ballot(request, pk))
    except Rejected as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, "Rating removed. You saw the model names, so this picture will not be shown to you again."
        )
    return redirect("rate")


def _own_ballot(request: HttpRequest, pk: str) -> Ballot:
    try:
        return get_object_or_404(ballots.ballots_of(signed_in(request)), pk=pk)
    except ValidationError:  # not a UUID at all
        raise Http404("no such ballot") from None


def _columns(ballot: Ballot, columns: list[BallotColumn], marks: Mapping[tuple[int, int], int]) -> list[ShownColumn]:
    """Return the columns, left to right; a picture's own page would give its class away, so none is linked."""
    query = ballot.search.query_image
    return [
        ShownColumn(
            letter=LETTERS[place % len(LETTERS)],
            ranking=column.ranking,
            rating=column.rating,
            results=[
                ShownResult(
                    image=image,
                    rank=rank,
                    thumbnail_url=reverse("thumbnail", args=[image.pk]),
                    is_same_class=query is not None and image.label == query.label,
                    mark=marks.get((column.ranking.pk, image.pk)),
                )
                for rank, image in column.results
            ],
        )
        for place, column in enumerate(columns)
    ]


def _marked_columns(user: User, ballot: Ballot) -> list[ShownColumn]:
    columns = ballot_columns.columns_of(ballot)
    return _columns(ballot, columns, marks_of(user, [column.ranking.pk for column in columns]))


@login_required
@never_cache
@require_safe
def rated(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the columns of a rated ballot with their models, and one's marks on the results."""
    user = signed_in(request)
    ballot = get_object_or_404(ballots.ballots_of(user), pk=pk, voted_at__isnull=False)
    query = ballot.search.query_image
    context = {
        "ballot": ballot,
        "is_last": ballots.last_rated(user) == ballot,
        "query_url": reverse("ballot-query", args=[ballot.pk]),
        "query_class": query.class_name if query else "",
        "columns": _marked_columns(user, ballot),
        "progress": ballots.progress_of(user),
    }
    return render(request, "ratings/rated.html", context)
