"""Registries of job kinds, sweeps and failure listeners. Apps register theirs in `AppConfig.ready()`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from accounts.roles import Role
from config.celery import QUEUES
from jobs.errors import UnknownJobKindError

if TYPE_CHECKING:
    from django.db.models import Q

    from jobs.context import JobContext
    from jobs.models import Job

Link = tuple[str, str]
"""Text and URL."""

Leads = Callable[[dict[str, Any], dict[str, Any]], list[Link]]
"""Called as leads(payload, result), each {} if there is none: returns links to the input and output of a job."""

Handler = Callable[..., Mapping[str, object] | None]
"""Called as handler(context: JobContext, **payload). Idempotent; returns a JSON object or None."""


@dataclass(frozen=True)
class NoticeDraft:
    """What a person is told about work that has ended. `key`: the work's; several jobs of one work have the same."""

    key: str
    succeeded: bool
    title: str
    url: str
    detail: str = ""


DraftNotice = Callable[["Job"], NoticeDraft | None]
"""Called with a job that has succeeded or failed, after the commit. None: nobody is told, or not yet."""

NextSteps = Callable[["Job"], list[Link]]
"""Called with a finished job: returns what its owner may do next, the most useful first."""


@dataclass(frozen=True)
class JobKind:
    """A kind of job. `least`: the lowest role that may start one; checked again when the job starts to run.

    title: what people call such work. from_upload: says whether the input of a payload was sent to this site, so that
    an error of the input stays. notice: default: one about each job that took long.
    """

    name: str
    handler: Handler
    least: Role
    queue: str
    max_attempts: int
    leads: Leads | None = None
    title: str = ""
    next_steps: NextSteps | None = None
    from_upload: Callable[[Mapping[str, Any]], bool] | None = None
    notice: DraftNotice | None = None

    def run(self, context: "JobContext", payload: Mapping[str, object]) -> Mapping[str, object] | None:
        """Call the handler."""
        return self.handler(context, **payload)


Sweep = Callable[[datetime], None]
"""Called with the current time, every few seconds. Safe to run by several processes at once."""

EndListener = Callable[["Job"], None]
"""Called with a job that has succeeded or failed, after the commit, as a FailureListener is."""

FailureListener = Callable[["Job"], None]
"""Called with a job that has failed, after the commit, in the process that recorded it. Errors are logged."""


FindJobs = Callable[[str], "Q"]
"""Called with a text: returns which jobs work on something whose name contains it."""


KINDS: dict[str, JobKind] = {}
SUBJECTS: dict[str, FindJobs] = {}
SWEEPS: dict[str, Sweep] = {}
FAILURE_LISTENERS: dict[str, FailureListener] = {}
END_LISTENERS: dict[str, EndListener] = {}


def register(
    kind: str,
    handler: Handler,
    *,
    least: Role,
    queue: str = "work",
    max_attempts: int = 3,
    leads: Leads | None = None,
    title: str = "",
    next_steps: NextSteps | None = None,
    from_upload: Callable[[Mapping[str, Any]], bool] | None = None,
    notice: DraftNotice | None = None,
) -> None:
    """Register the handler of a kind of job, the role that may start one, and the links of its page.

    Raises:
        ValueError: the kind has another handler already, or queue or max_attempts is out of range.
    """
    if queue not in QUEUES:
        raise ValueError(f"queue must be one of {', '.join(QUEUES)}, got {queue!r}")
    if max_attempts < 1:
        raise ValueError(f"max_attempts must be at least 1, got {max_attempts}")
    entry = JobKind(kind, handler, least, queue, max_attempts, leads, title or kind, next_steps, from_upload, notice)
    if KINDS.setdefault(kind, entry) != entry:
        raise ValueError(f"the job kind {kind!r} is registered already; choose another name")


def find_kind(name: str) -> JobKind:
    """Return the kind of that name.

    Raises:
        UnknownJobKindError: nothing is registered under it.
    """
    try:
        return KINDS[name]
    except KeyError:
        known = ", ".join(sorted(KINDS)) or "none"
        raise UnknownJobKindError(f"no job kind named {name!r}; known: {known}") from None


def register_subjects(name: str, find: FindJobs) -> None:
    """Register which jobs work on something of an app, by its name; lists of jobs are searched by it.

    Raises:
        ValueError: another has that name.
    """
    if SUBJECTS.setdefault(name, find) != find:
        raise ValueError(f"subjects {name!r} are registered already; choose another name")


def register_sweep(name: str, sweep: Sweep) -> None:
    """Register an app's own clean-up, which the sweeper calls.

    Raises:
        ValueError: another has that name.
    """
    if SWEEPS.setdefault(name, sweep) != sweep:
        raise ValueError(f"a sweep {name!r} is registered already; choose another name")


def register_end_listener(name: str, listener: EndListener) -> None:
    """Register a function that hears of every job that succeeds or fails, such as one that sends a notice.

    Raises:
        ValueError: another has that name.
    """
    if END_LISTENERS.setdefault(name, listener) != listener:
        raise ValueError(f"an end listener {name!r} is registered already; choose another name")


def register_failure_listener(name: str, listener: FailureListener) -> None:
    """Register a function that hears of every job that ends in FAILED, such as one that sends a notice.

    Raises:
        ValueError: another has that name.
    """
    if FAILURE_LISTENERS.setdefault(name, listener) != listener:
        raise ValueError(f"a failure listener {name!r} is registered already; choose another name")
