"""A limit on pictures that a process decodes at once, because each takes much memory for a moment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from config.errors import Busy

_places = threading.BoundedSemaphore(settings.DECODES_AT_ONCE)


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
