"""OpenAPI schema: headers, parameters and problems of every operation, from the parts of its view."""

from collections.abc import Callable, Mapping
from http import HTTPMethod, HTTPStatus
from typing import Any, Literal, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.permissions import SAFE_METHODS, AllowAny

from config.api.problems import CONTENT_TYPE, PROBLEMS, TYPES_URL, type_url
from config.api.strict import StrictMixin
from config.api.views import SparseFields, VersionedViewSet

Method = TypeVar("Method", bound=Callable[..., Any])
HEADERS = {
    "Location": "URL of the job, or of the new object.",
    "Retry-After": "Seconds to wait before the next request.",
    "ETag": "Version of the object, for If-Match and If-None-Match.",
}


def may_answer(*codes: int) -> Callable[[Method], Method]:
    """Add statuses that the schema cannot know, such as 409 and 503."""

    def marked(method: Method) -> Method:
        method.may_answer = codes  # type: ignore[attr-defined]
        return method

    return marked


class KindredSchema(AutoSchema):
    """Describe headers, parameters and problems of an operation by the base classes of its view."""

    def get_override_parameters(self) -> list[Any]:
        """Return the parameters of the view's base classes."""
        parameters = list(super().get_override_parameters())
        if isinstance(self.view, SparseFields) and self._reads() and self._gives_things():
            parameters.append(
                _parameter("fields", "Names of the fields to return, separated by commas.", where="query")
            )
        if self._is_single():
            if self.method == HTTPMethod.GET:
                parameters.append(
                    _parameter("If-None-Match", "Versions that you have; 304 if the object has one of them.")
                )
            elif self.method not in SAFE_METHODS:
                parameters.append(
                    _parameter("If-Match", "Version that you want to change; 412 if the object has another.")
                )
        if self._is_idempotent():
            parameters.append(
                _parameter("Idempotency-Key", "Key of this request; the same request with the same key runs once.")
            )
        return parameters

    def get_summary(self) -> str:
        """Return the first line of a method's docstring, for lists of operations."""
        return str(self.get_description()).strip().partition("\n")[0].rstrip(".")

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the operation with its problems and the headers of its responses."""
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        responses: dict[str, Mapping[str, object]] = operation["responses"]
        for code in [code for code in responses if code.startswith("2")]:
            headers = {name: _header(name) for name in self._headers_of(int(code))}
            responses[code] = {**responses[code], "headers": headers}
        if self._is_single() and self.method == HTTPMethod.GET:
            responses["304"] = {"description": "The object has a version that you have."}
        for status in sorted(self._problem_codes(operation)):
            responses.setdefault(str(status), _problem(status))
        return operation

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "request" and isinstance(serializer, StrictMixin):
            schema["additionalProperties"] = False
        return schema

    def _get_examples(
        self, serializer: Any, direction: Any, media_type: Any, status_code: Any = None, extras: Any = None
    ) -> Any:
        """Take an example of a body for every good status, not for 200 and 201 alone."""
        good = status_code is not None and str(status_code).startswith("2")
        return super()._get_examples(serializer, direction, media_type, "200" if good else status_code, extras)  # type: ignore[no-untyped-call]

    def _reads(self) -> bool:
        return self.method in SAFE_METHODS

    def _gives_things(self) -> bool:
        return getattr(self.view, "action", "") in ("list", "retrieve") or getattr(self._handler(), "chosen", False)

    def _handler(self) -> Any:
        return getattr(self.view, getattr(self.view, "action", "") or self.method.lower(), None)

    def _is_single(self) -> bool:
        """Say whether the operation reads or changes one thing that has a version."""
        if not isinstance(self.view, VersionedViewSet) or not getattr(self.view, "detail", False):
            return False
        action = getattr(self.view, "action", "")
        return action == "retrieve" if self._reads() else action not in self.view.unversioned

    def _is_idempotent(self) -> bool:
        return bool(getattr(self._handler(), "is_idempotent", False))

    def _headers_of(self, code: int) -> list[str]:
        names = []
        if code in (HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
            names.append("Location")
        if code == HTTPStatus.ACCEPTED:
            names.append("Retry-After")
        if (
            self._is_single()
            and code == HTTPStatus.OK
            and getattr(self.view, "action", "")
            in (
                "retrieve",
                "partial_update",
            )
        ):
            names.append("ETag")
        return names

    def _problem_codes(self, operation: Mapping[str, Any]) -> set[int]:
        codes = {401, 406, 429, *getattr(self._handler(), "may_answer", ())}
        where = {parameter["in"] for parameter in operation.get("parameters", ())}
        if "path" in where:
            codes.add(404)
        if "query" in where or not self._reads():
            codes.add(400)
        if "requestBody" in operation:
            codes |= {413, 415}
        if not self._reads() or not self._is_for_all():
            codes.add(403)
        if self._is_single() and not self._reads():
            codes.add(412)
        if self._is_idempotent():
            codes.add(422)
        return codes

    def _is_for_all(self) -> bool:
        return all(type(rule) is AllowAny for rule in self.view.get_permissions())


def _parameter(name: str, about: str, where: Literal["query", "header"] = "header") -> OpenApiParameter:
    return OpenApiParameter(name, str, where, description=about)


def _header(name: str) -> Mapping[str, object]:
    kind = "integer" if name == "Retry-After" else "string"
    return {"description": HEADERS[name], "schema": {"type": kind}}


def _problem(code: int) -> Mapping[str, object]:
    names = [name for name, problem in PROBLEMS.items() if problem.status == code]
    response: dict[str, object] = {
        "description": "; ".join(PROBLEMS[name].title for name in names),
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        response["headers"] = {"Retry-After": _header("Retry-After")}
    return response


def _problem_schema() -> Mapping[str, object]:
    return {
        "type": "object",
        "description": f"RFC 9457 problem details. {TYPES_URL} lists the types.",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "enum": [type_url(name) for name in PROBLEMS]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "request_id": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "code", "detail"],
                    "properties": {
                        "field": {"type": ["string", "null"]},
                        "code": {"type": "string"},
                        "detail": {"type": "string"},
                    },
                },
            },
        },
    }


def describe_problems(result: Any, **kwargs: object) -> Any:
    """Add the component of problem documents to the schema."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _problem_schema()
    return result


def let_anything_be_null(result: Any, **kwargs: object) -> Any:
    """Correct the schema of a nullable field of any JSON: null matches both parts of its `oneOf`."""
    either = result.pop("oneOf", None) if isinstance(result, dict) else None
    if either is not None and either != [{}, {"type": "null"}]:
        result["oneOf"] = either
    for part in result.values() if isinstance(result, dict) else result if isinstance(result, list) else ():
        let_anything_be_null(part)
    return result
