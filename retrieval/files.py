"""How stored pictures and files travel to a browser."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase

from retrieval.errors import EngineBusy, Refused


def jpeg_page(find: Callable[[], Path]) -> HttpResponseBase:
    """Return what `jpeg_response` does, for a browser: 503 when too many pictures are being read."""
    try:
        return jpeg_response(find)
    except EngineBusy as busy:
        headers = {"Retry-After": str(busy.retry_after)}
        return HttpResponse(str(busy), status=503, content_type="text/plain", headers=headers)


def jpeg_response(find: Callable[[], Path]) -> HttpResponseBase:
    """Return the JPEG that `find` gives the file of; private, and kept by the browser for a day.

    Raises:
        Http404: the file is gone or damaged.
        EngineBusy: too many pictures are being read.
    """
    try:
        response = FileResponse(find().open("rb"), content_type="image/jpeg")
    except (OSError, Refused) as error:
        raise Http404(str(error) if isinstance(error, Refused) else "that picture is gone") from None
    response["Cache-Control"] = "private, max-age=86400"
    response["Content-Disposition"] = "inline"  # Django would name the file, and files are often named by class
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def attachment(file: BinaryIO, name: str, content_type: str = "application/octet-stream") -> FileResponse:
    """Return a file to be kept under `name`; a browser neither shows it nor guesses what it is."""
    response = FileResponse(file, as_attachment=True, filename=name, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    return response
