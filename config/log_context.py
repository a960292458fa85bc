"""What log records know of the request and the job at hand: ids that follow a thread, and leave with the block.

A thread that works for another starts in a copy of its context: `contextvars.copy_context().run`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.utils.functional import LazyObject, empty
from structlog.contextvars import bound_contextvars

if TYPE_CHECKING:
    from django.http import HttpRequest

_request: ContextVar["HttpRequest | None"] = ContextVar("request", default=None)


@contextmanager
def during_request(request: "HttpRequest", request_id: str) -> Iterator[None]:
    """Let records of the block have the request's id, and the account's number once somebody has asked who it is."""
    request.request_id = request_id  # type: ignore[attr-defined]
    token = _request.set(request)
    try:
        with bound_contextvars(request_id=request_id):
            yield
    finally:
        _request.reset(token)


@contextmanager
def during_job(job_id: int, attempt: int) -> Iterator[None]:
    """Let records of the block have the number of the job and of its attempt."""
    with bound_contextvars(job_id=job_id, attempt=attempt):
        yield


def request_at_hand() -> "HttpRequest | None":
    """Return the request that this thread answers."""
    return _request.get()


def user_id_of(request: "HttpRequest") -> int | None:
    """Return the number of the signed-in account, without finding out: None of a visitor, and before anybody asked."""
    user = request.__dict__.get("user")
    if isinstance(user, LazyObject) and user._wrapped is empty:
        return None
    return getattr(user, "pk", None)
