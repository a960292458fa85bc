"""Pages that say why an answer is one."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.errors import Busy, ServiceError
from config.html_errors import error_page
from retrieval.models import Search
from retrieval.search.services import explanations as services
from retrieval.search.services.access import visible_searches
from retrieval.search.services.sharing import shared_search


@login_required
@never_cache
@require_safe
def why(request: HttpRequest, pk: str, ranking: int, image: int) -> HttpResponse:
    """Explain an answer of one's own search."""
    search = get_object_or_404(visible_searches(request.user), pk=pk)
    context = {
        "back_url": reverse("search-detail", args=[pk]),
        "query_url": reverse("search-picture", args=[pk]),
        "answer_url": reverse("picture", args=[image]),
    }
    return _page(request, search, (ranking, image), context)


@never_cache
@require_safe
def shared_why(request: HttpRequest, token: str, ranking: int, image: int) -> HttpResponse:
    """Explain an answer of a shared search to whoever has its link."""
    search = shared_search(token)
    if search is None:
        raise Http404("that link was revoked or never was")
    context = {
        "back_url": reverse("shared", args=[token]),
        "query_url": reverse("shared-query", args=[token]),
        "answer_url": reverse("shared-picture", args=[token, image]),
    }
    return _page(request, search, (ranking, image), context)


def _page(request: HttpRequest, search: Search, answer: tuple[int, int], context: dict[str, Any]) -> HttpResponse:
    try:
        found = services.why(search, *answer, request.user)
    except ServiceError as error:
        context |= {"reason": str(error), "busy": isinstance(error, Busy)}
        return error_page(error, lambda status: render(request, "retrieval/why.html", context, status=status))
    if found is None:
        raise Http404("that search has no such answer")
    return render(request, "retrieval/why.html", {"why": found, "search": search, **context})
