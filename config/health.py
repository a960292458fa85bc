"""Two addresses for load balancers and supervisors: `/livez` says that the process answers, `/readyz` what it can do.

They stand before everything else: a probe has no account, and calls a host by whatever name it likes. What is wrong is
written to the log; the answer names what is checked and no more, since anybody may ask.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from config.celery import app
from config.schema import check_schema
from config.serving import warming
from storage.store import store

logger = logging.getLogger(__name__)

LIVE, READY = "/livez", "/readyz"
SECONDS = 2.0
"""That an answer is given again: however many ask, nothing is checked more often."""
PATIENCE = 1.0
"""Seconds that a probe waits while another one checks: what hangs must not take a thread for every probe."""
BROKER_SECONDS = 2.0
"""That a broker may take to connect, and then to answer."""
BROKER_OPTIONS = {"socket_connect_timeout": BROKER_SECONDS, "socket_timeout": BROKER_SECONDS}
"""Redis waits for ever without them; other brokers do not read them."""
NOT_STORED = {"Cache-Control": "no-store"}

View = Callable[[HttpRequest], HttpResponse]


def answer_probes(get_response: View) -> View:
    """Answer the two addresses, and pass everything else on."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info == LIVE:
            return HttpResponse("ok\n", content_type="text/plain", headers=NOT_STORED)
        if request.path_info == READY:
            found = results()
            ready = all(found[name] == "ok" for name in NEEDED)
            answer = {"ready": ready, "checks": found}
            return JsonResponse(answer, status=200 if ready else 503, headers=NOT_STORED)
        return get_response(request)

    return middleware


def check_database() -> None:
    """Raise where the database does not answer, or lacks migrations of this code."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
    check_schema()


def check_broker() -> None:
    """Raise where the broker does not answer."""
    with app.connection_for_write(connect_timeout=BROKER_SECONDS, transport_options=BROKER_OPTIONS) as broker:
        broker.ensure_connection(max_retries=0, timeout=BROKER_SECONDS)


def check_storage() -> None:
    """Raise where files cannot be read or stored."""
    store().check()


def check_engine() -> None:
    """Raise where the models of searches are still being loaded."""
    if not warming.is_over():
        raise RuntimeError("the models are still being loaded")


CHECKS: dict[str, Callable[[], None]] = {
    "database": check_database,
    "storage": check_storage,
    "engine": check_engine,
    "broker": check_broker,  # the last one: it may take seconds, and the others need not be old meanwhile
}
NEEDED = ("database", "storage", "engine")
"""Without the others a host stays in service. Without the broker searches go on, and jobs wait in the database until it
is back; without a vector store the models whose indexes are read from files go on."""


def register(name: str, check: Callable[[], None]) -> None:
    """Let `/readyz` name another service, without which a host stays in service; `check` raises where it is away."""
    CHECKS[name] = check


class _Health:
    """The newest results of the checks, "ok" or "failed"."""

    def __init__(self) -> None:
        self._lock, self._at = threading.Lock(), float("-inf")
        self._found, self._running = dict[str, str](), ""

    def now(self) -> dict[str, str]:
        """Return the result of each check, not older than SECONDS; one that hangs failed, and the others are older."""
        if not self._lock.acquire(timeout=PATIENCE):
            return self.known()
        try:
            if time.monotonic() - self._at >= SECONDS:
                for name, check in CHECKS.items():
                    self._running = name
                    self._found = self._found | {name: _result_of(name, check, self._found.get(name, ""))}
                self._running, self._at = "", time.monotonic()
            return self._found
        finally:
            self._lock.release()

    def known(self) -> dict[str, str]:
        """Return the newest results without checking; whatever is being checked, or never was, failed."""
        found = dict.fromkeys(CHECKS, "failed") | self._found
        return {name: "failed" if name == self._running else found[name] for name in found}


def _result_of(name: str, check: Callable[[], None], before: str) -> str:
    """Return "ok" or "failed"; the log says why, once until it is "ok" again."""
    try:
        check()
    except Exception:  # of a database, a broker or a file system: any of them fails in its own way
        if before != "failed":
            logger.warning("%s is not ready", name, exc_info=True)
        return "failed"
    return "ok"


_health = _Health()


def results() -> dict[str, str]:
    """Return the result of each check, "ok" or "failed", at most SECONDS old; a check that hangs keeps one waiting."""
    return _health.now()


def known_results() -> dict[str, str]:
    """Return what is known of each check, at once: whatever is being checked failed."""
    return _health.known()
