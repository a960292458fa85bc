"""How the API answers what the services of this app refuse."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from config.api.problems import Conflict
from ratings.errors import NothingToRate, RatingRefused, Settled, UnknownFilter
from retrieval.refusals import RefusalsAsProblems


def as_problem(refusal: Exception) -> Exception:
    """Return the problem that a refusal is: 409 where the state does not allow it, else 400."""
    match refusal:
        case NothingToRate() | Settled():
            return Conflict(str(refusal))
        case RatingRefused():
            return ValidationError(str(refusal))
        case UnknownFilter(name=name):
            return ValidationError({name: str(refusal)})
    return refusal


class RatingRefusalsAsProblems(RefusalsAsProblems):
    """An API view whose services may refuse."""

    def handle_exception(self, exc: Exception) -> Response:
        """Turn a refusal into the problem that it is."""
        parent: Any = super()
        response: Response = parent.handle_exception(as_problem(exc))
        return response
