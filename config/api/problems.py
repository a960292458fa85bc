"""API errors as RFC 9457 problems (`application/problem+json`): the types, the exception handler, pages about types."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import redirect, render
from django.urls import get_script_prefix, reverse
from django.views.decorators.http import require_safe
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import ErrorResponse
from redis.exceptions import ConnectionError as CacheAway
from redis.exceptions import TimeoutError as CacheSilent
from rest_framework import exceptions
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.errors import Busy, Rejected, ServiceAway, ServiceError, TooLarge
from config.overload import RETRY_AFTER, is_away, is_busy, is_disk_full

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPES_URL = "/api/problems/"


@dataclass(frozen=True)
class Problem:
    """A type of problem: its status, its title, and what the client can do."""

    status: HTTPStatus
    title: str
    about: str


PROBLEMS: Mapping[str, Problem] = {
    "invalid": Problem(
        HTTPStatus.BAD_REQUEST,
        "Invalid request",
        "`errors` names every invalid field, and why. The same request will fail again.",
    ),
    "malformed": Problem(
        HTTPStatus.BAD_REQUEST,
        "Malformed body",
        "The body is not the JSON or the form that its Content-Type says, or is nested too deeply.",
    ),
    "unknown-host": Problem(
        HTTPStatus.BAD_REQUEST,
        "Unknown host",
        "Use a host name of the site. Its operator can add another one to ALLOWED_HOSTS.",
    ),
    "unauthenticated": Problem(
        HTTPStatus.UNAUTHORIZED,
        "Authentication required",
        "Send the header `Authorization: Token kin_...`. Create a token at /me/tokens/.",
    ),
    "invalid-token": Problem(
        HTTPStatus.UNAUTHORIZED,
        "Invalid or expired token",
        "The token expired, was revoked, or never existed. Create another one.",
    ),
    "forbidden": Problem(
        HTTPStatus.FORBIDDEN, "Permission denied", "Your role does not allow this. An admin can change your role."
    ),
    "read-only-token": Problem(
        HTTPStatus.FORBIDDEN, "Read-only token", "Create a token with write access at /me/tokens/."
    ),
    "second-factor-required": Problem(
        HTTPStatus.FORBIDDEN,
        "Second factor required",
        "Your role needs a second factor. Set one up at /me/security/, then try again.",
    ),
    "session-required": Problem(
        HTTPStatus.FORBIDDEN,
        "Session required",
        "A token cannot do this. Use the site, or send the cookies of a session instead of a token.",
    ),
    "proof-required": Problem(
        HTTPStatus.FORBIDDEN,
        "Password confirmation required",
        "Send your password to /accounts/reauthenticate/ with the session's cookies. It is valid for five minutes.",
    ),
    "unconfirmed-address": Problem(
        HTTPStatus.FORBIDDEN,
        "E-mail address not confirmed",
        "Open the link in the mail that you got, or have it sent again at /accounts/email/.",
    ),
    "not-found": Problem(
        HTTPStatus.NOT_FOUND, "Not found", "The object does not exist, or belongs to somebody else: both look the same."
    ),
    "method-not-allowed": Problem(
        HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed", "The header `Allow` lists the methods of this URL."
    ),
    "not-acceptable": Problem(
        HTTPStatus.NOT_ACCEPTABLE, "Not acceptable", "Accept application/json, or leave `Accept` out."
    ),
    "conflict": Problem(
        HTTPStatus.CONFLICT, "Conflict", "The current state does not allow this. `detail` says what to do first."
    ),
    "nothing-searchable": Problem(
        HTTPStatus.CONFLICT,
        "Nothing to search yet",
        "No published model has an index of these data sets. Train, index and publish one, or wait for the jobs.",
    ),
    "quota-reached": Problem(
        HTTPStatus.CONFLICT,
        "Quota reached",
        "Nothing is deleted automatically. Delete what you no longer need, then send the request again.",
    ),
    "too-slow": Problem(
        HTTPStatus.REQUEST_TIMEOUT,
        "Request timeout",
        "The body was cut short, or arrived too slowly. Send it again, in smaller parts if the connection is slow.",
    ),
    "length-required": Problem(
        HTTPStatus.LENGTH_REQUIRED, "Length required", "Send the length of the body in `Content-Length`."
    ),
    "stale": Problem(
        HTTPStatus.PRECONDITION_FAILED,
        "Object has changed",
        "`If-Match` names an earlier version. Read the object again, then decide whether to change it.",
    ),
    "too-large": Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request too large", "Send fewer or smaller files."),
    "unsupported-media-type": Problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", "Send JSON, or a form with files."
    ),
    "idempotency-key-reused": Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Idempotency key reused",
        "The key was sent before with another body or URL. Use a new key for each new request.",
    ),
    "throttled": Problem(
        HTTPStatus.TOO_MANY_REQUESTS, "Too many requests", "Wait as many seconds as `Retry-After` says."
    ),
    "error": Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Internal error",
        "An error of the site. Tell its operator the `X-Request-ID` of the response.",
    ),
    "busy": Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Server busy",
        "Wait as many seconds as `Retry-After` says, then send the request again.",
    ),
    "disk-full": Problem(
        HTTPStatus.INSUFFICIENT_STORAGE,
        "Storage full",
        "Nothing was stored. Tell the site's operator, and send the request again when there is space.",
    ),
}
"""Every type of problem, by the last part of its URL; their meaning never changes."""


class Stale(exceptions.APIException):
    """If-Match names an earlier version (412)."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_code = "stale"
    default_detail = "The object has changed since you read it; read it again."


class TooSlow(exceptions.APIException):
    """The body was cut short, or came too slowly (408)."""

    status_code = HTTPStatus.REQUEST_TIMEOUT
    default_code = "too-slow"
    default_detail = "The body did not arrive completely and in time; send it again."


class LengthRequired(exceptions.APIException):
    """A body came without its length (411)."""

    status_code = HTTPStatus.LENGTH_REQUIRED
    default_code = "length-required"
    default_detail = "The body has no Content-Length; send it with one."


class DiskFull(exceptions.APIException):
    """The server has no room left (507)."""

    status_code = HTTPStatus.INSUFFICIENT_STORAGE
    default_code = "disk-full"
    default_detail = "The server's storage is full; nothing was stored. Tell the site's operator."


class IdempotencyKeyReused(exceptions.APIException):
    """An Idempotency-Key came before with another request (422)."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_code = "idempotency-key-reused"
    default_detail = "this Idempotency-Key was sent with another request before; use a new key"


class UnknownHost(exceptions.APIException):
    """The request names a host that is not the site's (400)."""

    status_code = HTTPStatus.BAD_REQUEST
    default_code = "unknown-host"
    default_detail = "This host name is not one of the site. If it is yours, add it to ALLOWED_HOSTS."


class Answered(exceptions.APIException):
    """What a service raised, as the problem that its class names; `wait`, in seconds, becomes Retry-After."""

    def __init__(self, error: ServiceError) -> None:
        super().__init__(str(error), code=error.problem)
        self.default_code = error.problem
        self.status_code = PROBLEMS[error.problem].status
        self.wait = error.retry_after


def answered(error: Exception) -> Exception:
    """Return the API's exception for what a service raised; any other error as it is."""
    match error:
        case Rejected(problem="invalid", field=""):
            return exceptions.ValidationError(str(error))
        case Rejected(problem="invalid", field=field):
            return exceptions.ValidationError({field: str(error)})
        case ServiceError():
            return Answered(error)
    return error


NAMES = {
    "not_authenticated": "unauthenticated",
    "authentication_failed": "invalid-token",
    "parse_error": "malformed",
    "read_only_token": "read-only-token",
    "second_factor_required": "second-factor-required",
    "session_required": "session-required",
    "proof_required": "proof-required",
    "unconfirmed_address": "unconfirmed-address",
}
"""Names of types by error codes that differ from them."""


def type_of(status: int, code: str) -> str:
    """Return the name of a problem's type: the last part of its URL."""
    name = NAMES.get(code, code)
    if name in PROBLEMS and PROBLEMS[name].status == status:
        return name
    return next((name for name, problem in PROBLEMS.items() if problem.status == status), "invalid")


def sendable(text: str) -> str:
    """Return a text with lone surrogates escaped: JSON allows them, UTF-8 does not."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def fault_behind(error: BaseException | None) -> exceptions.APIException | None:
    """Return the problem behind an error of storage, connection, load or a service away; None for other errors."""
    if is_disk_full(error):
        logger.error("the disk is full: %s", error)
        return DiskFull()
    if isinstance(error, UnreadablePostError):
        return TooSlow()
    if isinstance(error, Busy):
        return Answered(error)
    if isinstance(error, OperationalError) and is_busy(error):
        return Answered(Busy("The database is busy. Try again in a few seconds.", retry_after=RETRY_AFTER))
    if error is not None and is_away(error):
        logger.error("the database does not answer: %s", error)
        return Answered(ServiceAway("The database does not answer. Try again in a moment."))
    if isinstance(error, CacheAway | CacheSilent):
        logger.error("the cache does not answer: %s", error)
        return Answered(ServiceAway("The cache of the site does not answer. Try again in a moment."))
    return None


def type_url(name: str) -> str:
    """Return the URL of a problem's type, below the site's URL prefix if it has one."""
    return f"{get_script_prefix().rstrip('/')}{TYPES_URL}{name}"


class FieldError(TypedDict):
    """An error of one field; `field` is null for errors of the whole body."""

    field: str | None
    code: str
    detail: str


class ProblemBody(TypedDict):
    """The fields of RFC 9457, the request's id and the invalid fields."""

    type: str
    title: str
    status: int
    detail: str
    request_id: NotRequired[str]
    errors: NotRequired[list[FieldError]]


def problem(request: object, name: str, detail: str) -> ProblemBody:
    """Return the fields of RFC 9457 for one type of problem."""
    kind = PROBLEMS[name]
    body: ProblemBody = {
        "type": type_url(name),
        "title": kind.title,
        "status": kind.status.value,
        "detail": detail,
    }
    request_id: str | None = getattr(request, "request_id", None)
    if request_id:
        body["request_id"] = request_id
    return body


class ProblemFormatter(ExceptionFormatter):
    """Format errors as RFC 9457, with one entry of `errors` per invalid field."""

    def format_error_response(self, error_response: ErrorResponse) -> ProblemBody:
        errors, status = error_response.errors, int(self.exc.status_code)
        for error in errors:  # both may repeat what was sent
            error.attr, error.detail = error.attr and sendable(error.attr), sendable(error.detail)
        name = type_of(status, errors[0].code)
        detail = " ".join(f"{error.attr}: {error.detail}" if error.attr else error.detail for error in errors)
        body = problem(self.context.get("request"), name, detail)
        if any(error.attr for error in errors):
            body["errors"] = [{"field": error.attr, "code": error.code, "detail": error.detail} for error in errors]
        return body


class ProblemHandler(ExceptionHandler):
    """Respond with the content type of a problem."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Turn Django's errors while a body is read into problems."""
        fault = fault_behind(exc)
        if fault is not None:
            return fault
        if isinstance(exc, RequestDataTooBig | TooManyFilesSent | TooManyFieldsSent):
            return Answered(TooLarge("The body is too large; send less."))
        if isinstance(exc, SuspiciousOperation):
            return exceptions.ParseError(str(exc))
        if isinstance(exc, ServiceError):
            return answered(exc)
        return super().convert_known_exceptions(exc)

    def get_response(self, exc: exceptions.APIException, data: Any) -> Response:
        headers = self.get_headers(exc)
        return Response(data, status=exc.status_code, headers=headers, content_type=CONTENT_TYPE)


class UnknownURL(APIView):
    """Respond to an unknown URL under /api/ with a problem, not a page."""

    permission_classes = (AllowAny,)
    schema = None

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        raise exceptions.NotFound(f"there is no operation at {request.path}; see /api/docs/")


@require_safe
def every_problem(request: HttpRequest) -> HttpResponse:
    """List the types of problems."""
    return render(request, "api/problems.html", {"problems": PROBLEMS})


@require_safe
def one_problem(request: HttpRequest, name: str) -> HttpResponse:
    """Redirect from the URL of a type to its section of the list."""
    if name not in PROBLEMS:
        raise Http404(f"there is no type of problem named {name!r}")
    return redirect(f"{reverse('problems')}#{name}")
