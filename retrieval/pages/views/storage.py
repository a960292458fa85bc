"""What takes up the disk, and the form by which what nothing needs goes."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from retrieval.pages.services.storage.cleanup import submit_collection
from retrieval.pages.services.storage.garbage import unneeded
from retrieval.pages.services.storage.sizes import usage

MOST_SHOWN = 1000
SAID = {
    "indexes": "Older indexes",
    "checkpoints": "Checkpoints and scratch folders of finished jobs",
    "uploads": "Uploads of finished jobs",
    "left-overs": "Files without a row",
    "renditions": "Thumbnails of deleted pictures",
    "caches": "Caches",
}


@curator_required
@never_cache
def disk(request: HttpRequest) -> HttpResponse:
    """Show what takes up the disk and what may go, or queue the deletion of what was chosen."""
    refused = ""
    if request.method == "POST":
        try:
            return redirect("job", pk=submit_collection(request.POST.getlist("path"), by=signed_in(request)).pk)
        except Rejected as error:
            refused = str(error)
            messages.error(request, refused)
    found = unneeded()
    shown = found[:MOST_SHOWN]
    kinds = [(title, [item for item in shown if item.kind == kind]) for kind, title in SAID.items()]
    context = {
        "usage": usage(fresh="fresh" in request.GET),
        "kinds": [(title, items, sum(item.bytes for item in items)) for title, items in kinds if items],
        "shown": len(shown),
        "left_out": len(found) - len(shown),
        "bytes": sum(item.bytes for item in shown),
    }
    return render(request, "retrieval/disk.html", context, status=400 if refused else 200)
