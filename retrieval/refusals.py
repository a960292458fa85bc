"""How the API answers what a service refuses."""

from http import HTTPStatus
from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response

from config.problems import Conflict
from retrieval.errors import EngineBusy, Refused, Unsearchable


class Unavailable(exceptions.APIException):
    """Too much at once (503); `wait` becomes Retry-After."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "busy"

    def __init__(self, detail: str, wait: int) -> None:
        super().__init__(detail)
        self.wait = wait


class RefusalsAsProblems:
    """An API view whose services may refuse: 409 when nothing can answer yet, 503 when busy, else 400."""

    def handle_exception(self, exc: Exception) -> Response:
        """Turn a refusal into the problem that it is."""
        if isinstance(exc, EngineBusy):
            exc = Unavailable(str(exc), exc.retry_after)
        elif isinstance(exc, Unsearchable):
            exc = Conflict(str(exc))
        elif isinstance(exc, Refused):
            exc = exceptions.ValidationError(str(exc))
        parent: Any = super()
        response: Response = parent.handle_exception(exc)
        return response
