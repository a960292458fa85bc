"""Request ids, in the header X-Request-ID of responses and in log lines."""

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")

_now: ContextVar[str] = ContextVar("request_id", default="-")


def identify_requests(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Use the sender's request id if it is well-formed, else create one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        sent = request.headers.get(HEADER, "")
        name = sent if WELL_FORMED.fullmatch(sent) else uuid.uuid4().hex
        request.request_id = name  # type: ignore[attr-defined]
        token = _now.set(name)
        try:
            answer = get_response(request)
        finally:
            _now.reset(token)
        answer[HEADER] = name
        return answer

    return middleware


class RequestIdFilter(logging.Filter):
    """Add the request id to log records, `-` outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _now.get()
        return True
