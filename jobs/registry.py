"""Registries of job kinds, sweeps and failure listeners. Apps register theirs in `AppConfig.ready()`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from accounts.roles import Role
from jobs.errors import UnknownJobKindError

if TYPE_CHECKING:
    from jobs.context import JobContext
    from jobs.models import Job

Link = tuple[str, str]
"""Text and URL."""

Leads = Callable[[dict[str, Any], dict[str, Any]], list[Link]]
"""Called as leads(payload, result), each {} if there is none: returns links to the input and output of a job."""

Handler = Callable[..., Mapping[str, object] | None]
"""Called as handler(context: JobContext, **payload). Idempotent; returns a JSON object or None."""


@dataclass(frozen=True)
class JobKind:
    """A kind of job. `least`: the lowest role that may start one; checked again when the job starts to run."""

    name: str
    handler: Handler
    least: Role
    queue: str
    max_attempts: int
    leads: Leads | None = None

    def run(self, context: "JobContext", payload: Mapping[str, object]) -> Mapping[str, object] | None:
        """Call the handler."""
        return self.handler(context, **payload)


Sweep = Callable[[datetime], None]
"""Called with the current time, every few seconds. Safe to run by several processes at once."""

FailureListener = Callable[["Job"], None]
"""Called with a job that has failed, after the commit, in the process that recorded it. Errors are logged."""


KINDS: dict[str, JobKind] = {}
SWEEPS: dict[str, Sweep] = {}
FAILURE_LISTENERS: dict[str, FailureListener] = {}


def register(
    kind: str,
    handler: Handler,
    *,
    least: Role,
    queue: str = "work",
    max_attempts: int = 3,
    leads: Leads | None = None,
) -> None:
    """Register the handler of a kind of job, the role that may start one, and the links of its page.

    Raises:
        ValueError: the kind has another handler already, or queue or max_attempts is out of range.
    """
    if queue not in ("work", "train"):
        raise ValueError(f"queue must be work or train, got {queue!r}")
    if max_attempts < 1:
        raise ValueError(f"max_attempts must be at least 1, got {max_attempts}")
    entry = JobKind(kind, handler, least, queue, max_attempts, leads)
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


def register_sweep(name: str, sweep: Sweep) -> None:
    """Register an app's own clean-up, which the sweeper calls.

    Raises:
        ValueError: another has that name.
    """
    if SWEEPS.setdefault(name, sweep) != sweep:
        raise ValueError(f"a sweep {name!r} is registered already; choose another name")


def register_failure_listener(name: str, listener: FailureListener) -> None:
    """Register a function that hears of every job that ends in FAILED, such as one that sends a notice.

    Raises:
        ValueError: another has that name.
    """
    if FAILURE_LISTENERS.setdefault(name, listener) != listener:
        raise ValueError(f"a failure listener {name!r} is registered already; choose another name")
