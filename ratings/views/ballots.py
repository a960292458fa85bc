"""Blind ballots in a browser: the next query, its ratings, and whose columns they were."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
from config.errors import Busy, Conflict, Rejected
from config.html_errors import error_page
from ratings.errors import NothingToRate
from ratings.models import Ballot
from ratings.services import ballot_columns, ballots, rating_progress
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
    """A column under its letter; rating: None before the ballot is rated; is_missing: one was sent without it."""

    letter: str
    key: int
    ranking: Ranking
    rating: int | None
    results: list[ShownResult]
    is_missing: bool = False

    @property
    def is_markable(self) -> bool:
        """Whether its results have buttons: a result of the duplicated column has them in the other one."""
        return self.key == self.ranking.pk

    @property
    def model(self) -> Model:
        """The model of the results; a template names it only once the ballot is rated."""
        return self.ranking.model


@login_required
@never_cache
def rate(request: HttpRequest) -> HttpResponse:
    """Show the next query with anonymous columns, or its ratings before the names are shown, or take ratings."""
    user = signed_in(request)
    if request.method == "POST":
        return _take_ratings(request)
    try:
        ballot = ballots.next_ballot(user)
        if ballot.draft is not None and "change" not in request.GET:
            return _confirm_page(request, ballot)
        return _ballot_page(request, ballot)
    except NothingToRate as nothing:
        return _no_ballot_page(request, str(nothing), 200)
    except Busy as busy:
        reason = str(busy)
        return error_page(busy, lambda status: _no_ballot_page(request, reason, status))


def _no_ballot_page(request: HttpRequest, reason: str, status: int) -> HttpResponse:
    user = signed_in(request)
    context = {"reason": reason, "progress": ballots.progress_of(user), "last": ballots.last_rated(user)}
    return render(request, "ratings/rate.html", context, status=status)


def _ballot_page(request: HttpRequest, ballot: Ballot, sent: Mapping[int, int] | None = None) -> HttpResponse:
    """Show the open ballot. sent: ratings of a form that was not whole; the columns without one say so."""
    columns = _columns(ballot, ballot_columns.columns_of(ballot), {})
    if sent is not None:
        columns = [
            replace(column, rating=sent.get(column.key, column.rating), is_missing=column.key not in sent)
            for column in columns
        ]
    context = _ballot_context(request, ballot) | {
        "columns": columns,
        "no_skip": ballots.why_no_skip(ballot),
        "decided": _progress_text(request, ballot),
    }
    return render(request, "ratings/rate.html", context, status=200 if sent is None else 400)


def _progress_text(request: HttpRequest, ballot: Ballot) -> str:
    query = ballot.search.query_image
    return "" if query is None else rating_progress.progress_text(request.user, query.dataset)


def _confirm_page(request: HttpRequest, ballot: Ballot) -> HttpResponse:
    """Show the ratings that were sent, still without names: they can be changed or made final."""
    columns = _columns(ballot, ballot_columns.columns_of(ballot), {})
    return render(request, "ratings/confirm.html", _ballot_context(request, ballot) | {"columns": columns})


def _ballot_context(request: HttpRequest, ballot: Ballot) -> dict[str, object]:
    user = signed_in(request)
    return {
        "ballot": ballot,
        "progress": ballots.progress_of(user),
        "last": ballots.last_rated(user),
        "query_url": reverse("ballot-query", args=[ballot.pk]),
    }


def _take_ratings(request: HttpRequest) -> HttpResponse:
    ballot = _own_ballot(request, request.POST.get("ballot", ""))
    values = {key: request.POST.get(f"rating-{key}", "") for key in ballot.column_keys}
    ratings = {key: int(value) for key, value in values.items() if value in DIGITS}
    all_bad = "all_bad" in request.POST
    try:
        ballots.save_draft(ballot, ballots.all_ones(ballot) if all_bad else ratings, all_bad=all_bad)
    except Conflict as error:
        messages.error(request, str(error))
        return redirect("rate")
    except Rejected as error:
        messages.error(request, str(error))
        return _ballot_page(request, ballot, {key: value for key, value in ratings.items() if 1 <= value <= 5})
    return redirect("rate" if ballot.voted_at is None else reverse("rated", args=[ballot.pk]))


@login_required
@require_POST
def show_names(request: HttpRequest, pk: str) -> HttpResponse:
    """Make the ratings final and show the models' names."""
    ballot = _own_ballot(request, pk)
    try:
        ballots.show_names(ballot)
    except Rejected as error:
        messages.error(request, str(error))
        return redirect("rate")
    return redirect("rated", pk=ballot.pk)


@login_required
@require_POST
def skip(request: HttpRequest, pk: str) -> HttpResponse:
    """Set a picture aside, and go on with the next one."""
    try:
        ballots.skip(_own_ballot(request, pk))
    except Rejected as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Skipped. This picture comes back after all others; a skip is not a rating.")
    return redirect("rate")


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
            request,
            "Rating withdrawn. You saw the model names, so this picture will not be shown to you again.",
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
            key=column.key,
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
