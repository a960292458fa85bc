"""The answers to one's own search, with what one said of them, as files to keep."""

import io

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.permissions import signed_in
from retrieval.files import attachment
from retrieval.models import Mark, Search
from retrieval.search.services import access, exporting
from retrieval.search.services.marks import marks_of

TEXTS = {
    "csv": (exporting.answers_csv, "text/csv; charset=utf-8"),
    "json": (exporting.answers_json, "application/json"),
}
SUFFIXES = [*TEXTS, "zip"]


@login_required
@never_cache
@require_safe
def search_answers(request: HttpRequest, pk: str, suffix: str) -> HttpResponseBase:
    """Give the answers to one's own search as CSV, JSON, or a zip of the pictures."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    return answers_attachment(search, suffix, signed_in(request))


def answers_attachment(search: Search, suffix: str, user: User) -> HttpResponseBase:
    """Return the answers, with what this person said of them, as a file; of any other kind there is none (404)."""
    said = marks_of(user, search.rankings.all())
    marks = {key: str(Mark.Value(value).label) for key, value in said.items()}
    name = f"kindred-{search.created_at:%Y-%m-%d}-{str(search.pk)[:8]}.{suffix}"
    if suffix == "zip":
        return _zip(search, user, marks, name)
    if suffix not in TEXTS:
        raise Http404(f"answers come as csv, json or zip, not as {suffix}")
    write, content_type = TEXTS[suffix]
    return attachment(io.BytesIO(write(search, user, marks).encode()), name, content_type)


def _zip(search: Search, user: User, marks: exporting.Marks, name: str) -> StreamingHttpResponse:
    """Send the archive while it is made: it may be large, and nobody waits for all of it."""
    response = StreamingHttpResponse(exporting.answers_zip(search, user, marks), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
