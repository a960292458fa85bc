"""The storage page: used space, and a form that deletes unused files."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from retrieval.pages.services.storage.cleanup import submit_cleanup
from retrieval.pages.services.storage.garbage import unused_files
from retrieval.pages.services.storage.sizes import usage

MOST_SHOWN = 1000
TITLES = {
    "indexes": "Older indexes",
    "checkpoints": "Checkpoints and scratch folders of finished jobs",
    "uploads": "Uploads of finished jobs",
    "left-overs": "Files without a database row",
    "query pictures": "Query pictures without a search",
    "renditions": "Thumbnails of deleted pictures",
    "caches": "Caches",
}


@curator_required
@never_cache
def storage(request: HttpRequest) -> HttpResponse:
    """Show used space and unused files, or queue the deletion of the selected ones."""
    status = 200
    if request.method == "POST":
        try:
            return redirect("job", pk=submit_cleanup(request.POST.getlist("path"), by=signed_in(request)).pk)
        except Rejected as error:
            status = 400
            messages.error(request, str(error))
    unused = unused_files()
    shown = unused[:MOST_SHOWN]
    by_kind = [(title, [item for item in shown if item.kind == kind]) for kind, title in TITLES.items()]
    context = {
        "usage": usage(fresh="fresh" in request.GET),
        "kinds": [(title, items, sum(item.bytes for item in items)) for title, items in by_kind if items],
        "shown": len(shown),
        "left_out": len(unused) - len(shown),
        "bytes": sum(item.bytes for item in shown),
    }
    return render(request, "retrieval/storage.html", context, status=status)
