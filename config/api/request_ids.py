"""Request ids, in the header X-Request-ID of responses and in log records."""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from config.log_context import during_request

HEADER = "X-Request-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")


def identify_requests(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Use the sender's request id if it is well-formed, else create one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        sent = request.headers.get(HEADER, "")
        name = sent if WELL_FORMED.fullmatch(sent) else uuid.uuid4().hex
        with during_request(request, name):
            answer = get_response(request)
        answer[HEADER] = name
        return answer

    return middleware
