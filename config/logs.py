"""Log records: where they go, and how they look (`LOG_FORMAT`).

All code logs by `logging.getLogger(__name__)`, libraries too. At the end structlog formats each record: it adds the ids
of the request and the job at hand, removes secrets, and writes a line or an object of JSON.
"""

import logging
import logging.config
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from structlog.contextvars import merge_contextvars
from structlog.processors import JSONRenderer, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor

from config.environment import LOG_FORMAT
from config.log_context import request_at_hand, user_id_of
from config.log_safety import printable, without_secrets

if TYPE_CHECKING:
    from django.http import HttpRequest

logger = logging.getLogger(__name__)

FIELDS = (
    "timestamp", "level", "logger", "event", "request_id", "job_id", "attempt", "user_id", "exception", "stack_info",
)  # fmt: skip
"""Of a record, in their order; what a record has besides is not written."""
TEXTS = ("event", "exception", "stack_info")
TRACEBACK = "Traceback (most recent call last):\n"
INDENT = "    "
"""Of a traceback's lines: a line that begins at the margin is a record."""


def logging_settings(level: str) -> dict[str, Any]:
    """Return Django's LOGGING: one handler for everything, which writes to stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"site": {"()": "config.logs.formatter"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "site"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "INFO"},  # Django's own would write each record twice
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            "httpx": {"level": "WARNING"},  # below, it tells the URLs of pictures that people search with
            "httpcore": {"level": "WARNING"},  # and headers
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Set logging up, so that exceptions which nobody caught are records too; Django calls this when it starts."""
    logging.config.dictConfig(config)
    logging.captureWarnings(LOG_FORMAT == "json")
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit) or error is None:
        sys.__excepthook__(kind, error or kind(), trace)
    else:
        logger.critical("an exception was not caught", exc_info=(kind, error, trace))


def formatter(log_format: str = LOG_FORMAT) -> ProcessorFormatter:
    """Return the formatter of all records, as lines or as JSON."""
    render: list[Processor] = [_as_line] if log_format == "line" else [_in_order, JSONRenderer()]
    return ProcessorFormatter(
        processors=[
            merge_contextvars,
            _add_submitted_job,
            add_log_level,
            add_logger_name,
            _add_time,
            _add_request,
            _drop_traceback_of_refusals,
            format_exc_info,
            _take_traceback_apart,
            _remove_secrets,
            ProcessorFormatter.remove_processors_meta,
            *render,
        ],
        use_get_message=True,
    )


def _add_submitted_job(_: object, __: str, event: EventDict) -> EventDict:
    """Add the job that a request has just submitted, unless a job did."""
    if hasattr(event["_record"], "job_id"):
        event.setdefault("job_id", event["_record"].job_id)
    return event


def _add_time(_: object, __: str, event: EventDict) -> EventDict:
    moment = datetime.fromtimestamp(event["_record"].created, UTC)
    event["timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _add_request(_: object, __: str, event: EventDict) -> EventDict:
    request = _request_of(event["_record"])
    if request is not None:
        event.setdefault("request_id", request.request_id)  # type: ignore[attr-defined]
        user_id = user_id_of(request)
        if user_id is not None:
            event["user_id"] = user_id
    return event


def _request_of(record: logging.LogRecord) -> "HttpRequest | None":
    """Return the request at hand, or that which Django names after middleware is through."""
    named = getattr(record, "request", None)  # of runserver it is a socket
    return request_at_hand() or (named if hasattr(named, "request_id") else None)


def _drop_traceback_of_refusals(_: object, __: str, event: EventDict) -> EventDict:
    """Log a client error (4xx) in one line: nothing is broken, and anybody can cause many."""
    if 400 <= getattr(event["_record"], "status_code", 0) < 500:
        event.pop("exc_info", None)
    return event


def _take_traceback_apart(_: object, __: str, event: EventDict) -> EventDict:
    """Move a traceback from the message, where granian and Celery put it, to its own field."""
    head, found, trace = event["event"].partition(f"\n{TRACEBACK}")
    if found:
        event["event"] = head
        event.setdefault("exception", f"{TRACEBACK}{trace}".rstrip())
    return event


def _remove_secrets(_: object, __: str, event: EventDict) -> EventDict:
    request = _request_of(event["_record"])
    for name in TEXTS:
        if name in event:
            event[name] = without_secrets(str(event[name]), request)
    return event


def _in_order(_: object, __: str, event: EventDict) -> EventDict:
    return {name: event[name] for name in FIELDS if name in event}


def _as_line(_: object, __: str, event: EventDict) -> str:
    time = event["timestamp"].replace("T", " ").removesuffix("Z")
    head = f"{time} {event['level'].upper()} [{_ids(event)}] {event['logger']}: {printable(event['event'])}"
    below = [line for name in TEXTS[1:] if event.get(name) for line in event[name].split("\n")]
    return "\n".join([head, *(f"{INDENT}{printable(line)}" for line in below)])


def _ids(event: Mapping[str, Any]) -> str:
    """Return the ids of a record, such as `5f3c user=7` or `- job=12/1`; `-` is no request."""
    ids = [event.get("request_id", "-")]
    if "job_id" in event:
        ids.append(f"job={event['job_id']}" + (f"/{event['attempt']}" if "attempt" in event else ""))
    if "user_id" in event:
        ids.append(f"user={event['user_id']}")
    return " ".join(ids)
