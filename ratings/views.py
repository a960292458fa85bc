"""Pages on which people say what they think, and what comes of it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.permissions import signed_in
from ratings.errors import NothingToRate, RatingRefused
from ratings.forms import MarkForm
from ratings.models import Ballot
from ratings.services import ballots, leaderboard, relevance
from retrieval.datasets.services import visible_datasets, visible_images
from retrieval.errors import EngineBusy
from retrieval.files import jpeg_response
from retrieval.models import Image, Ranking
from retrieval.search import services as searches
from retrieval.search.views import home

DIGITS = frozenset("0123456789")
SAMPLES = 12


def front(request: HttpRequest) -> HttpResponse:
    """Search, for those who signed in; for others, what this is and how the models stand."""
    if request.user.is_authenticated:
        return home(request)
    if request.method == "POST":  # their session ended while the page was open
        return redirect_to_login(request.path)
    context = _board(request) | {
        "datasets": visible_datasets(request.user),
        "samples": visible_images(request.user).order_by("?")[:SAMPLES],
    }
    return render(request, "retrieval/welcome.html", context)


@login_required
@never_cache
@require_safe
def search_detail(request: HttpRequest, pk: str) -> HttpResponse:
    """Show one's own search: every model's answers, with one's marks on them."""
    search = get_object_or_404(searches.visible_searches(request.user), pk=pk)
    columns = searches.answers_of(search)
    marks = relevance.marks_of(signed_in(request), [row for column in columns for row in column["rankings"]])
    for column in columns:
        for answer in column["answers"]:
            _add_addresses(answer)
            answer["relevance"] = marks.get((answer["ranking"].pk, answer["image"].pk))
    share = search.share_token and request.build_absolute_uri(reverse("shared", args=[search.share_token]))
    context = {
        "search": search,
        "columns": columns,
        "share_url": share,
        "is_owner": True,
        "query_url": reverse("search-picture", args=[search.pk]),
    }
    return render(request, "retrieval/search_detail.html", context)


def _add_addresses(answer: dict[str, Any]) -> None:
    picture = answer["image"].pk
    answer["thumbnail_url"] = reverse("thumbnail", args=[picture])
    answer["picture_url"] = reverse("picture", args=[picture])


@login_required
@require_POST
def mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Store what its owner says of an answer; give the answer's buttons again."""
    ranking = get_object_or_404(Ranking, pk=pk, search__in=searches.visible_searches(request.user))
    form = MarkForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("image and value must be whole numbers")
    image, value = form.cleaned_data["image"], form.cleaned_data["value"]
    try:
        relevance.mark(signed_in(request), ranking, image, value)
    except RatingRefused as error:
        return HttpResponseBadRequest(str(error))
    if not request.headers.get("HX-Request"):
        return redirect("search-detail", pk=ranking.search_id)
    answer = {"image": Image(pk=image), "relevance": value}
    return render(request, "ratings/_relevance.html", {"answer": answer, "ranking": ranking})


@login_required
@never_cache
def rate(request: HttpRequest) -> HttpResponse:
    """Show the next query with anonymous columns, or take its scores."""
    user = signed_in(request)
    if request.method == "POST":
        return _take_vote(request)
    progress = ballots.progress_of(user)
    try:
        ballot = ballots.next_ballot(user)
    except NothingToRate as nothing:
        return render(request, "ratings/rate.html", {"reason": str(nothing), "progress": progress})
    except EngineBusy as busy:
        answer = render(request, "ratings/rate.html", {"reason": str(busy), "progress": progress}, status=503)
        answer["Retry-After"] = str(busy.retry_after)
        return answer
    return _ballot_page(request, ballot)


def _ballot_page(request: HttpRequest, ballot: Ballot, status: int = 200) -> HttpResponse:
    progress = ballots.progress_of(signed_in(request))
    context = {
        "ballot": ballot,
        "number": progress["done"] + 1,
        "progress": progress,
        "query_url": reverse("ballot-query", args=[ballot.pk]),
        "columns": _columns(ballot),
    }
    return render(request, "ratings/rate.html", context, status=status)


def _take_vote(request: HttpRequest) -> HttpResponse:
    ballot = _own_ballot(request, request.POST.get("ballot", ""))
    given = {key: request.POST.get(f"score-{key}", "") for key in ballot.order}
    try:
        ballots.vote(ballot, {key: int(value) for key, value in given.items() if value in DIGITS})
    except RatingRefused as error:
        messages.error(request, str(error))
        return _ballot_page(request, ballot, status=400)
    return redirect("rated", pk=ballot.pk)


def _own_ballot(request: HttpRequest, pk: str) -> Ballot:
    try:
        return get_object_or_404(ballots.ballots_of(signed_in(request)), pk=pk)
    except ValidationError:  # not a UUID at all
        raise Http404("there is no such ballot") from None


def _columns(ballot: Ballot) -> list[dict[str, Any]]:
    """Return the columns as they stood; a picture's own page would give its class away, so none is linked."""
    rankings = ballots.rankings_in_order(ballot)
    images = Image.objects.select_related("dataset").in_bulk([pk for row in rankings for pk in row.image_ids])
    query = ballot.search.query_image
    return [
        {
            "letter": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[place % 26],
            "ranking": ranking,
            "answers": [
                {
                    "image": images[pk],
                    "rank": rank,
                    "thumbnail_url": reverse("thumbnail", args=[pk]),
                    "class_name": images[pk].class_name,
                    "right": query is not None and images[pk].label == query.label,
                }
                for rank, pk in enumerate(ranking.image_ids, 1)
                if pk in images
            ],
        }
        for place, ranking in enumerate(rankings)
    ]


@login_required
@never_cache
@require_safe
def rated(request: HttpRequest, pk: str) -> HttpResponse:
    """Show whose columns they were, after voting."""
    ballot = get_object_or_404(ballots.ballots_of(signed_in(request)), pk=pk, voted_at__isnull=False)
    given = dict(ballot.scores.values_list("ranking", "score"))
    columns = _columns(ballot)
    for column in columns:
        column |= {"model": column["ranking"].model, "score": given[column["ranking"].pk]}
    query = ballot.search.query_image
    context = {
        "ballot": ballot,
        "query_url": reverse("ballot-query", args=[ballot.pk]),
        "query_class": query.class_name if query else "",
        "columns": columns,
        "progress": ballots.progress_of(signed_in(request)),
    }
    return render(request, "ratings/rated.html", context)


@login_required
@require_GET
def ballot_query(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Give the query of one's own ballot."""
    ballot = get_object_or_404(ballots.ballots_of(signed_in(request)), pk=pk)
    return jpeg_response(lambda: searches.query_file(ballot.search))


@never_cache
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Show what was measured beside what people say."""
    return render(request, "ratings/leaderboard.html", _board(request))


@never_cache
@require_GET
def board_rows(request: HttpRequest) -> HttpResponse:
    """Give the rows alone; the page asks for them again and again."""
    return render(request, "ratings/_leaderboard_rows.html", _board(request))


def _board(request: HttpRequest) -> dict[str, Any]:
    rows = leaderboard.leaderboard(request.user)
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    return {"rows": rows, "votes_total": leaderboard.votes_total(rows), "datasets": datasets}
