"""Which address takes how long a body, and from whom; every other takes a small form, or JSON."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve

MULTIPART = "multipart/form-data"
PARTS_BYTES = 2**20  # of a form with files besides them: its other fields, the names of files, what divides them


@dataclass(frozen=True)
class Room:
    """What an address takes besides small forms: that many files of that limit, only from curators where it says so."""

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
    "api-search-list": PICTURE,
    "api-search-batch": BATCH,
    "dataset-import": ARCHIVE,
    "dataset-add": ARCHIVE,
    "dataset-reimport": ARCHIVE,
    "api-dataset-list": ARCHIVE,
    "api-dataset-images": ARCHIVE,
    "api-dataset-reimport": ARCHIVE,
    "api-upload-files": ARCHIVE,
    "model-new": MODEL,
    "api-model-list": MODEL,
    "dataset-pictures": BOXES,
    "storage": BOXES,
}
"""By the names of addresses."""


def small_limit(request: HttpRequest) -> int:
    """Return how long a body anybody may send anywhere: a form or JSON."""
    limit: int = settings.JSON_MAX_BYTES if _kind(request).endswith("json") else settings.FORM_MAX_BYTES
    return limit


def room_of(request: HttpRequest) -> Room | None:
    """Return what else the address takes in a body of this kind."""
    try:
        room = ROOMS.get(resolve(request.path_info).url_name or "")
    except Resolver404:
        return None
    return room if room and room.content_type == _kind(request) else None


def _kind(request: HttpRequest) -> str:
    return (request.content_type or "").lower()
