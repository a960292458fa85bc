"""Marks on a page of results."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.permissions import signed_in
from config.errors import Rejected
from retrieval.search.forms import MarkForm
from retrieval.search.services import marks


@login_required
@require_POST
def mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Store somebody's mark on a result; return the result's buttons."""
    user = signed_in(request)
    ranking = get_object_or_404(marks.markable_rankings(user), pk=pk)
    form = MarkForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("image and value must be whole numbers")
    image, value = form.cleaned_data["image"], form.cleaned_data["value"]
    try:
        marks.mark(user, ranking, image, value)
    except Rejected as error:
        return HttpResponseBadRequest(str(error))
    if request.headers.get("HX-Request"):
        context = {"ranking": ranking.pk, "image": image, "mark": value, "card": "card" in request.POST}
        return render(request, "retrieval/_mark_buttons.html", context)
    return redirect(marks.page_of(user, ranking.search))
