"""Trying the search without an account, with pictures of data sets."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from config.api.throttles import TryThrottle
from config.errors import Rejected
from retrieval.datasets.services.visibility import shown_images
from retrieval.search.services.try_out import tried_results


@require_safe
def try_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the default models find for a picture of a data set; nothing is stored."""
    throttle = TryThrottle()
    if not throttle.allow_request(request, None):  # type: ignore[arg-type]  # it reads what any request has
        return _too_many(request, throttle.wait())
    image = get_object_or_404(shown_images(request.user).named(), pk=pk)
    context: dict[str, object] = {"image": image, "is_owner": False}
    try:
        context["results"] = tried_results(image, request.user)
    except Rejected as error:
        context["problem"] = f"{str(error)[:1].upper()}{str(error)[1:]}."
    response = render(request, "retrieval/try.html", context)
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Cache-Control"] = "private, no-cache"  # a picture may be hidden at any time
    return response


def _too_many(request: HttpRequest, wait: float | None) -> HttpResponse:
    seconds = max(1, round(wait or 1))
    detail = f"You tried many pictures from one network address. Wait {seconds} seconds, then reload this page."
    response = render(request, "refused.html", {"title": "Too many requests", "detail": detail}, status=429)
    response["Retry-After"] = str(seconds)
    return response
