"""Exceptions: problem documents of the server, and errors without a document."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx


class KindredError(Exception):
    """Base of all errors of this client."""


class Unreachable(KindredError):
    """No response after `retries` attempts."""


class WaitTimeout(KindredError):
    """A job did not finish within the timeout; it continues."""


@dataclass(frozen=True)
class FieldError:
    """An invalid field, and why."""

    field: str
    code: str
    detail: str


class Problem(KindredError):
    """An error response: a problem document (RFC 9457).

    `slug` is the last part of its type ("not-found"), `errors` the fields that were refused, `request_id` what the
    site's keepers find the request by, `retry_after` the seconds it asked to wait.
    """

    def __init__(self, document: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.type = str(document.get("type") or "about:blank")
        self.slug = self.type.rstrip("/").rpartition("/")[2]
        self.status = int(document.get("status") or 0)
        self.title = str(document.get("title") or "Refused")
        self.detail = str(document.get("detail") or "")
        self.errors = tuple(
            FieldError(str(row.get("field") or ""), str(row.get("code") or ""), str(row.get("detail") or ""))
            for row in document.get("errors") or ()
        )
        self.request_id = str(document.get("request_id") or "")
        self.retry_after = retry_after
        super().__init__(str(self))

    @property
    def fields(self) -> dict[str, str]:
        """Errors by field name."""
        return {error.field: error.detail for error in self.errors if error.field}

    def __str__(self) -> str:
        said = "; ".join(f"{field}: {detail}" for field, detail in self.fields.items()) or self.detail
        return f"{self.title} ({self.status})" + (f": {said}" if said else "")


class Invalid(Problem):
    """The request is invalid; `fields` names the invalid fields (400)."""


class Unauthenticated(Problem):
    """The token is missing, invalid or expired (401)."""


class Forbidden(Problem):
    """The role of the token's owner, or a read-only token, does not allow it (403)."""


class NotFound(Problem):
    """The object does not exist, or the owner of the token may not see it (404)."""


class Conflict(Problem):
    """The current state of the object does not allow it (409)."""


class Stale(Problem):
    """The object changed since it was read (412)."""


class TooLarge(Problem):
    """The request is too large (413)."""


class IdempotencyKeyReused(Problem):
    """The idempotency key was used for another request (422)."""


class Throttled(Problem):
    """Too many requests, also after waiting as `Retry-After` says (429)."""


class ServerFault(Problem):
    """An error of the site; report the `request_id` to its operator (500 and above)."""


class Busy(ServerFault):
    """The site is busy, also after waiting as `Retry-After` says (503)."""


BY_STATUS: dict[int, type[Problem]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Stale,
    413: TooLarge,
    422: IdempotencyKeyReused,
    429: Throttled,
    503: Busy,
}


def problem_from(document: Mapping[str, Any], retry_after: float | None = None) -> Problem:
    """Return the problem of a document, as the class of its status."""
    status = int(document.get("status") or 0)
    kind = BY_STATUS.get(status, ServerFault if status >= 500 else Problem)
    return kind(document, retry_after)


def problem_of(response: httpx.Response) -> Problem:
    """Return the problem of an answer that is none of ours as well: a proxy's page has a status only."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or "status" not in document:
        document = {"title": response.reason_phrase or "Refused", "detail": where_to(response)}
    document["status"] = response.status_code
    document.setdefault("request_id", response.headers.get("X-Request-ID", ""))
    return problem_from(document, retry_after_of(response))


def where_to(response: httpx.Response) -> str:
    """Say where a redirect leads: it is not followed, for the token is for the URL that was given."""
    to = response.headers.get("Location", "")
    return f"the site has moved to {to}; use that URL" if response.is_redirect else f"from {response.url}"


def retry_after_of(response: httpx.Response) -> float | None:
    """Return the seconds that `Retry-After` asks for, given as seconds or as a date; None when it asks for none."""
    asked = response.headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
