"""Two addresses for load balancers and supervisors: `/livez` says that the process answers, `/readyz` what it can do.

They stand before everything else: a probe has no account, and calls a host by whatever name it likes. What is wrong is
written to the log; the answer names what is checked and no more, since anybody may ask.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from config import storage
from config.celery import app
from config.serving import warming

logger = logging.getLogger(__name__)

LIVE, READY = "/livez", "/readyz"
SECONDS = 2.0
"""That an answer is given again: however many ask, nothing is checked more often."""
BROKER_SECONDS = 2.0
"""That a broker may take to answer."""

View = Callable[[HttpRequest], HttpResponse]


def answer_probes(get_response: View) -> View:
    """Answer the two addresses, and pass everything else on."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info == LIVE:
            return HttpResponse("ok\n", content_type="text/plain")
        if request.path_info == READY:
            found = _health.now()
            ready = all(found[name] == "ok" for name in NEEDED)
            return JsonResponse({"ready": ready, "checks": found}, status=200 if ready else 503)
        return get_response(request)

    return middleware


def check_database() -> None:
    """Raise where the database does not answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_broker() -> None:
    """Raise where the broker does not answer."""
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=0, timeout=BROKER_SECONDS)


def check_storage() -> None:
    """Raise where files cannot be stored."""
    folder = storage.media()
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} is missing or cannot be written")


def check_engine() -> None:
    """Raise where the models of searches are still being loaded."""
    if not warming.is_over():
        raise RuntimeError("the models are still being loaded")


CHECKS: dict[str, Callable[[], None]] = {
    "database": check_database,
    "broker": check_broker,
    "storage": check_storage,
    "engine": check_engine,
}
NEEDED = ("database", "storage", "engine")
"""Without the broker searches go on, and jobs wait in the database until it is back: a host stays in service."""


class _Health:
    """The newest results of the checks."""

    def __init__(self) -> None:
        self._lock, self._at, self._found = threading.Lock(), float("-inf"), dict[str, str]()

    def now(self) -> dict[str, str]:
        """Return "ok" or "failed" for each check, not older than SECONDS."""
        with self._lock:
            if time.monotonic() - self._at >= SECONDS:
                self._found = {name: _result_of(name, check) for name, check in CHECKS.items()}
                self._at = time.monotonic()
            return self._found


def _result_of(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except Exception:  # of a database, a broker or a file system: any of them fails in its own way
        logger.warning("%s is not ready", name, exc_info=True)
        return "failed"
    return "ok"


_health = _Health()
