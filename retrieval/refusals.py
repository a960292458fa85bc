"""How the API answers what a service refuses."""

from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response

from config.api.problems import Busy, Conflict, NothingSearchable, QuotaReached, TooLarge
from retrieval.errors import EngineBusy, NotNow, OverQuota, Refused, TooMuch, Unsearchable


def as_problem(refusal: Exception) -> Exception:
    """Return the problem that a refusal is: 409 when something else comes first, 413, 503 when busy, else 400."""
    match refusal:
        case EngineBusy():
            return Busy(str(refusal), refusal.retry_after)
        case Unsearchable():
            return NothingSearchable(str(refusal))
        case OverQuota():
            return QuotaReached(str(refusal))
        case NotNow():
            return Conflict(str(refusal))
        case TooMuch():
            return TooLarge(str(refusal))
        case Refused(field=""):
            return exceptions.ValidationError(str(refusal))
        case Refused(field=field):
            return exceptions.ValidationError({field: str(refusal)})
    return refusal


class RefusalsAsProblems:
    """An API view whose services may refuse."""

    def handle_exception(self, exc: Exception) -> Response:
        """Turn a refusal into the problem that it is."""
        parent: Any = super()
        response: Response = parent.handle_exception(as_problem(exc))
        return response
