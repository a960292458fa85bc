"""A client of Kindred's API: `from kindred_client import Kindred`."""

from kindred_client.api import Answer, etag
from kindred_client.client import Kindred
from kindred_client.downloads import Download
from kindred_client.errors import (
    Busy,
    Conflict,
    FieldError,
    Forbidden,
    IdempotencyKeyReused,
    Invalid,
    KindredError,
    NotFound,
    Problem,
    ServerFault,
    Stale,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unreachable,
    WaitTimeout,
)
from kindred_client.pages import Pages
from kindred_client.resources.searches import result_rows
from kindred_client.tables import Table
from kindred_client.transport import VERSION as __version__
from kindred_client.waiting import JobFailed

__all__ = [
    "Answer",
    "Busy",
    "Conflict",
    "Download",
    "FieldError",
    "Forbidden",
    "Invalid",
    "JobFailed",
    "IdempotencyKeyReused",
    "Kindred",
    "KindredError",
    "NotFound",
    "Unauthenticated",
    "Pages",
    "Problem",
    "ServerFault",
    "Stale",
    "Table",
    "Throttled",
    "TooLarge",
    "Unreachable",
    "WaitTimeout",
    "__version__",
    "result_rows",
    "etag",
]
