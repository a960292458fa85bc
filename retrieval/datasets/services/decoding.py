"""Turns at decoding pictures: a few at once in a process, for each takes much memory for a moment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from config.errors import Busy

_places = threading.BoundedSemaphore(settings.DECODES_AT_ONCE)


@contextmanager
def decoding() -> Iterator[None]:
    """Hold a turn, having waited for it at most DECODE_SECONDS; what is made of a large picture belongs inside.

    Raises:
        Busy: no turn came.
    """
    if not _places.acquire(timeout=settings.DECODE_SECONDS):
        raise Busy("many pictures are being read right now; try again in a moment")
    try:
        yield
    finally:
        _places.release()
