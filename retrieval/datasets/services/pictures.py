"""JPEG renditions of pictures for browsers, created at the first request and stored by content.

Few pictures are decoded at once.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from config.errors import Busy, Rejected
from mlcore.artifacts import write_whole
from mlcore.errors import PictureError
from mlcore.images.image_io import encode_jpeg, open_picture, thumbnail
from retrieval.models import Image
from storage.store import store

THUMBNAIL_SIDE = 240
RENDITIONS = ("thumbnails", "pictures")
_places = threading.BoundedSemaphore(settings.DECODES_AT_ONCE)


def thumbnail_of(image: Image) -> Path:
    """Return the file of a thumbnail, created at the first request.

    Raises:
        Rejected: the picture's file is gone or damaged.
        Busy: too many pictures are being decoded.
    """
    return _rendition(image, "thumbnails", lambda picture: thumbnail(picture, THUMBNAIL_SIDE))


def shown_picture_of(image: Image) -> Path:
    """Return the file of a full-size JPEG without camera metadata, which may say where a picture was taken.

    The original stays as imported: metrics depend on its bytes.

    Raises:
        Rejected: the picture's file is gone or damaged.
        Busy: too many pictures are being decoded.
    """
    return _rendition(image, "pictures", lambda picture: picture)


def _rendition(image: Image, kind: str, change: Callable[[Any], Any]) -> Path:
    """Return a JPEG of a picture, created at the first request and stored by the picture's content."""
    key = rendition_key(image.sha256, kind)
    target = store().local_copy(key)
    if not target.exists():
        with decoding():
            data = encode_jpeg(change(_opened(image)))
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, data)
        store().put(key)
    return target


def rendition_key(sha256: str, kind: str) -> str:
    """Return the key of a rendition, whether it exists or not."""
    return f"{kind}/{sha256[:2]}/{sha256}.jpg"


def _opened(image: Image) -> Any:
    try:
        return open_picture(image.file.read_bytes())
    except OSError as error:
        raise Rejected(f"the file of picture {image.pk} is gone ({error.strerror})") from error
    except PictureError as error:
        raise Rejected(f"the file of picture {image.pk} is damaged: {error}") from error


@contextmanager
def decoding() -> Iterator[None]:
    """Hold one of the DECODES_AT_ONCE turns, after waiting at most DECODE_SECONDS.

    Raises:
        Busy: no turn became free.
    """
    if not _places.acquire(timeout=settings.DECODE_SECONDS):
        raise Busy("too many pictures are being decoded; try again in a moment")
    try:
        yield
    finally:
        _places.release()
