"""API errors as RFC 9457 problems (`application/problem+json`), and their place in the schema."""

from http import HTTPStatus
from typing import Any

from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import ErrorResponse
from rest_framework import exceptions
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

CONTENT_TYPE = "application/problem+json"


class ProblemFormatter(ExceptionFormatter):
    """Give the fields of RFC 9457, and `errors` with one entry a field that was refused."""

    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        errors = error_response.errors
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.exc.status_code).phrase,
            "status": self.exc.status_code,
            "code": errors[0].code if len(errors) == 1 else error_response.type,
            "detail": " ".join(f"{error.attr}: {error.detail}" if error.attr else error.detail for error in errors),
        }
        if any(error.attr for error in errors):
            problem["errors"] = [{"field": error.attr, "code": error.code, "detail": error.detail} for error in errors]
        return problem


class ProblemHandler(ExceptionHandler):
    """Answer with the content type of a problem."""

    def get_response(self, exc: exceptions.APIException, data: dict[str, Any]) -> Response:
        headers = self.get_headers(exc)
        return Response(data, status=exc.status_code, headers=headers, content_type=CONTENT_TYPE)


class Conflict(exceptions.APIException):
    """The thing's present state does not allow it (409)."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"
    default_detail = "The present state does not allow this."


class UnknownAddress(APIView):
    """Answer an address under /api/ that nothing serves: a problem, not a page."""

    permission_classes = (AllowAny,)
    schema = None

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        raise exceptions.NotFound(f"nothing is served at {request.path}; see /api/docs/")


PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string", "nullable": True},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def describe_problems(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Add the problem answer to every operation of the schema."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    answer = {
        "description": "A problem.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in result["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"]["default"] = answer
    return result
