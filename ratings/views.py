"""The front page, one's own searches, and what one says of single answers."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.permissions import signed_in
from ratings.errors import RatingRefused
from ratings.forms import MarkForm
from ratings.leaderboard_views import board_values
from ratings.services import ballots, relevance
from retrieval.datasets.services import visible_datasets, visible_images
from retrieval.models import Image
from retrieval.search.form_views import home

SAMPLES = 12


def front(request: HttpRequest) -> HttpResponse:
    """Search, for those who signed in; for others, what this is and how the models stand."""
    if request.user.is_authenticated:
        return home(request)
    if request.method == "POST":  # their session ended while the page was open
        return redirect_to_login(request.path)
    context = board_values(request.user) | {
        "datasets": visible_datasets(request.user).annotate(class_count=Count("classes")),
        "samples": visible_images(request.user).named().order_by("?")[:SAMPLES],
    }
    return render(request, "retrieval/welcome.html", context)


@login_required
@require_POST
def mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Store what somebody says of an answer; give the answer's buttons again."""
    user = signed_in(request)
    ranking = get_object_or_404(relevance.markable_rankings(user), pk=pk)
    form = MarkForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("image and value must be whole numbers")
    image, value = form.cleaned_data["image"], form.cleaned_data["value"]
    try:
        relevance.mark(user, ranking, image, value)
    except RatingRefused as error:
        return HttpResponseBadRequest(str(error))
    if request.headers.get("HX-Request"):
        answer = {"image": Image(pk=image), "relevance": value}
        return render(request, "ratings/_relevance.html", {"answer": answer, "ranking": ranking})
    if ranking.search.owner_id is not None:
        return redirect("search-detail", pk=ranking.search_id)
    return redirect("rated", pk=ballots.ballots_of(user).get(search=ranking.search_id).pk)
