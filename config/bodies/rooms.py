"""Body limits of URLs that accept more than a small form or JSON, and who may send there."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve

MULTIPART = "multipart/form-data"
PARTS_BYTES = 2**20  # of a form with files besides them: its other fields, the names of files, what divides them


@dataclass(frozen=True)
class Room:
    """A body limit of a URL: so many files of that size, where `curators` from curators only."""

    limit: str
    files: int = 1
    curators: bool = True
    content_type: str = MULTIPART

    @property
    def bytes(self) -> int:
        """The longest body."""
        beside = PARTS_BYTES if self.content_type == MULTIPART else 0
        most: int = getattr(settings, self.limit) * self.files + beside
        return most


PICTURE = Room("PICTURE_MAX_BYTES", curators=False)
BATCH = Room("BATCH_MAX_BYTES", curators=False)
ARCHIVE = Room("ARCHIVE_MAX_BYTES")
MODEL = Room("MODEL_MAX_BYTES", files=2)
BOXES = Room("JSON_MAX_BYTES", content_type="application/x-www-form-urlencoded")

ROOMS = {
    "search": PICTURE,
    "search-batch": BATCH,
    "api-search-list": PICTURE,
    "api-search-batch": BATCH,
    "dataset-import": ARCHIVE,
    "dataset-preview": BOXES,
    "dataset-add": ARCHIVE,
    "dataset-reimport": ARCHIVE,
    "api-dataset-list": ARCHIVE,
    "api-dataset-images": ARCHIVE,
    "api-dataset-preview": ARCHIVE,
    "api-dataset-reimport": ARCHIVE,
    "api-upload-files": ARCHIVE,
    "model-new": MODEL,
    "api-model-list": MODEL,
    "dataset-pictures": BOXES,
    "storage": BOXES,
}
"""By URL name."""


def small_limit(request: HttpRequest) -> int:
    """Return the body limit of every URL and sender: a form or JSON."""
    limit: int = settings.JSON_MAX_BYTES if _kind(request).endswith("json") else settings.FORM_MAX_BYTES
    return limit


def room_of(request: HttpRequest) -> Room | None:
    """Return the further limit of a URL for this content type."""
    try:
        room = ROOMS.get(resolve(request.path_info).url_name or "")
    except Resolver404:
        return None
    return room if room and room.content_type == _kind(request) else None


def _kind(request: HttpRequest) -> str:
    return (request.content_type or "").lower()
