"""Pages that explain a result."""

from collections.abc import Mapping

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.errors import Busy, ServiceError
from config.html_errors import error_page
from retrieval.models import Search
from retrieval.search.services import explanations
from retrieval.search.services.access import visible_searches
from retrieval.search.services.sharing import shared_search


@login_required
@never_cache
@require_safe
def explanation(request: HttpRequest, pk: str, ranking: int, image: int) -> HttpResponse:
    """Explain a result of one's own search."""
    search = get_object_or_404(visible_searches(request.user), pk=pk)
    urls = {
        "back_url": f"{reverse('search-detail', args=[pk])}#result-{ranking}-{image}",
        "query_url": reverse("search-picture", args=[pk]),
        "result_url": reverse("picture", args=[image]),
    }
    return _page(request, search, ranking, image, urls)


@never_cache
@require_safe
def shared_explanation(request: HttpRequest, token: str, ranking: int, image: int) -> HttpResponse:
    """Explain a result of a shared search to whoever has its link."""
    search = shared_search(token)
    if search is None:
        raise Http404("that link was revoked or never was")
    urls = {
        "back_url": f"{reverse('shared', args=[token])}#result-{ranking}-{image}",
        "query_url": reverse("shared-query", args=[token]),
        "result_url": f"{reverse('shared-picture', args=[token, image])}?size=large",
    }
    return _page(request, search, ranking, image, urls)


def _page(request: HttpRequest, search: Search, ranking: int, image: int, urls: Mapping[str, str]) -> HttpResponse:
    try:
        explanation = explanations.explain_result(search, ranking, image, request.user)
    except ServiceError as error:
        context = {**urls, "reason": str(error), "busy": isinstance(error, Busy)}
        return error_page(error, lambda status: render(request, "retrieval/explanation.html", context, status=status))
    if explanation is None:
        raise Http404("that search has no such result")
    return render(request, "retrieval/explanation.html", {"explanation": explanation, "search": search, **urls})
