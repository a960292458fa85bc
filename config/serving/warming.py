"""What a web process or an encoder does before it serves, so that the first request need not wait for it."""

import gc
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.db import connections
from django.urls import Resolver404, resolve, reverse

logger = logging.getLogger(__name__)

WarmUp = Callable[[], object]

NAME = "warm-up"
SECONDS = 60.0
"""That a process waits before it serves; then the rest is done beside the first requests."""

GARBAGE = 10_000
"""New objects before the collector looks at them. A search makes hundreds, and nearly all of them go by themselves."""

_WARM_UPS: list[tuple[str, WarmUp]] = []


def register(warm_up: WarmUp, role: str = "web") -> None:
    """Add what a process of that role does when it starts; an app does so in `AppConfig.ready()`."""
    if (role, warm_up) not in _WARM_UPS:
        _WARM_UPS.append((role, warm_up))


def is_over() -> bool:
    """Say whether nothing is being warmed up."""
    return not any(thread.name == NAME for thread in threading.enumerate())


def start(role: str) -> threading.Thread | None:
    """Do all of it in a thread that ends with the process, and wait for it; only entry points call this."""
    if not settings.WARM_UP:
        return None
    # Its connections end with a thread of its own.
    thread = threading.Thread(target=_run, args=(role,), name=NAME, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return thread


def _run(role: str) -> None:
    try:
        if role == "web":
            _load_views()
        for of_role, warm_up in _WARM_UPS:
            if of_role == role:
                warm_up()
        _spare_what_stays()
    except Exception:  # the site serves without it; whoever needs what is broken is told then
        logger.exception("the warm-up failed")
    finally:
        connections.close_all()


def _load_views() -> None:
    """Import every view and compile the pattern of every URL, which the first requests would do."""
    reverse("search")  # of any name: the table of all names is made
    with suppress(Resolver404):
        resolve("/no/page/has/this/address")  # so every pattern is tried


def _spare_what_stays() -> None:
    """Leave what is loaded now out of each later collection of garbage, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])
