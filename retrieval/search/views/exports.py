"""The results of one's own search, with one's marks, as files."""

import io

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.permissions import signed_in
from retrieval.files import attachment
from retrieval.models import Search
from retrieval.search.services import access, exporting

TEXTS = {
    "csv": (exporting.results_csv, "text/csv; charset=utf-8"),
    "json": (exporting.results_json, "application/json"),
}
SUFFIXES = [*TEXTS, "zip"]


@login_required
@never_cache
@require_safe
def search_results(request: HttpRequest, pk: str, suffix: str) -> HttpResponseBase:
    """Return the results of one's own search as CSV, JSON, or a zip of the pictures."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    return results_attachment(search, suffix, signed_in(request))


def results_attachment(search: Search, suffix: str, user: User) -> HttpResponseBase:
    """Return the results, with this person's marks, as a file; there is none (404) with another suffix."""
    name = f"kindred-{search.created_at:%Y-%m-%d}-{str(search.pk)[:8]}.{suffix}"
    if suffix == "zip":
        return _zip(search, user, name)
    if suffix not in TEXTS:
        raise Http404(f"results come as csv, json or zip, not as {suffix}")
    write, content_type = TEXTS[suffix]
    return attachment(io.BytesIO(write(search, user).encode()), name, content_type)


def _zip(search: Search, user: User, name: str) -> StreamingHttpResponse:
    """Send the archive while it is written: it may be large."""
    response = StreamingHttpResponse(exporting.results_zip(search, user), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
