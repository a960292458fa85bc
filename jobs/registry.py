"""Which function does which kind of job. Apps register theirs in `AppConfig.ready()`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from accounts.roles import Role
from jobs.errors import UnknownJobKindError

if TYPE_CHECKING:
    from jobs.context import JobContext

Link = tuple[str, str]
"""Words and an address."""

Leads = Callable[[dict[str, Any], dict[str, Any]], list[Link]]
"""Called as leads(payload, result), with {} where there is none: links to what a job works on and what it made."""

Handler = Callable[..., Mapping[str, object] | None]
"""Called as handler(context: JobContext, **payload). Safe to run twice; gives a JSON object or None."""


@dataclass(frozen=True)
class JobKind:
    """How a kind of job is done. `least`: the role that whoever asks for one must hold, then and when it begins."""

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
"""Called with the time that it is, every few seconds. Safe to run by several processes at once."""


KINDS: dict[str, JobKind] = {}
SWEEPS: dict[str, Sweep] = {}


def register(
    kind: str,
    handler: Handler,
    *,
    least: Role,
    queue: str = "work",
    max_attempts: int = 3,
    leads: Leads | None = None,
) -> None:
    """Say that `handler` does the jobs named `kind`, for whom, and which pages tell more of one.

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
    """Let the sweeper call this, too: an app's own rule on what goes when its time is over.

    Raises:
        ValueError: another has that name.
    """
    if SWEEPS.setdefault(name, sweep) != sweep:
        raise ValueError(f"a sweep {name!r} is registered already; choose another name")
