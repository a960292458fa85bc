"""What a web process does in the background once it serves, so that the first request need not wait for it."""

import logging
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import connections

logger = logging.getLogger(__name__)

WarmUp = Callable[[], object]

_WARM_UPS: list[WarmUp] = []


def register(warm_up: WarmUp) -> None:
    """Add what a web process does when it starts; an app does so in `AppConfig.ready()`."""
    if warm_up not in _WARM_UPS:
        _WARM_UPS.append(warm_up)


def start() -> threading.Thread | None:
    """Start all of it in a thread that ends with the process; only the entry point of web processes calls this."""
    if not settings.WARM_UP:
        return None
    thread = threading.Thread(target=_run, name="warm-up", daemon=True)
    thread.start()
    return thread


def _run() -> None:
    try:
        for warm_up in _WARM_UPS:
            warm_up()
    except Exception:  # the site serves without it; whoever needs what is broken is told then
        logger.exception("the warm-up failed")
    finally:
        connections.close_all()
