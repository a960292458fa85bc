"""Responses with stored pictures and files."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.request import Request

from config.errors import Busy, Rejected
from config.html_errors import error_page


def jpeg_page(request: HttpRequest, find: Callable[[], Path | BinaryIO], *, personal: bool = False) -> HttpResponseBase:
    """Return `jpeg_response`, or a 503 page when too many pictures are being decoded."""
    try:
        return jpeg_response(request, find, personal=personal)
    except Busy as busy:
        text = str(busy)
        return error_page(busy, lambda status: HttpResponse(text, status=status, content_type="text/plain"))


def jpeg_response(
    request: HttpRequest | Request, find: Callable[[], Path | BinaryIO], *, personal: bool = False
) -> HttpResponseBase:
    """Return the JPEG that `find` gives the file of, or 304 to a browser that has it.

    The browser stores it and asks each time whether it may still show it, because a picture may be hidden at any time.
    A picture that a person sent is `personal` and not stored: somebody else may use the browser next.

    Raises:
        Http404: the file is gone or damaged.
        Busy: too many pictures are being decoded.
    """
    try:
        file = find()
        response = _unless_known(request, file) if isinstance(file, Path) else _jpeg(file)
    except (OSError, Rejected) as error:
        raise Http404(str(error) if isinstance(error, Rejected) else "that picture is gone") from None
    response["Cache-Control"] = "private, no-store" if personal else "private, no-cache"
    response["Content-Disposition"] = "inline"  # Django would name the file, and files are often named by class
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _unless_known(request: HttpRequest | Request, file: Path) -> HttpResponseBase:
    """Return a picture, or 304 to a browser that has it."""
    stat = file.stat()
    etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    response = get_conditional_response(request, etag=etag) or _jpeg(file.open("rb"))
    response["ETag"] = etag
    return response


def _jpeg(file: BinaryIO) -> FileResponse:
    return FileResponse(file, content_type="image/jpeg")


def attachment(file: BinaryIO, name: str, content_type: str = "application/octet-stream") -> FileResponse:
    """Return a download named `name`; a browser neither shows it nor guesses its type."""
    response = FileResponse(file, as_attachment=True, filename=name, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    return response
