"""Exit statuses: one per kind of error, with a message instead of a traceback."""

import errno
from typing import Any

import click

from kindred_client.cli.output import say
from kindred_client.cli.session import hint_of
from kindred_client.errors import Forbidden, KindredError, NotFound, Problem, Unauthenticated, Unreachable, WaitTimeout
from kindred_client.waiting import JobFailed

UNEXPECTED, USAGE, REFUSED, NOT_ALLOWED, NOT_FOUND, UNREACHABLE, JOB_FAILED, PARTLY = range(1, 9)
INTERRUPTED = 130  # as shells say of SIGINT
BY_KIND: tuple[tuple[type[KindredError], int], ...] = (  # the first that fits
    (Unauthenticated, NOT_ALLOWED),
    (Forbidden, NOT_ALLOWED),
    (NotFound, NOT_FOUND),
    (Unreachable, UNREACHABLE),
    (JobFailed, JOB_FAILED),
    (WaitTimeout, PARTLY),
    (Problem, REFUSED),
)
LOCAL = {"unreadable-file": USAGE, "unreachable": UNREACHABLE}  # problems that no server told


def code_of(error: KindredError) -> int:
    """Return the exit status of an error."""
    if isinstance(error, Problem) and error.slug in LOCAL:
        return LOCAL[error.slug]
    return next((code for kind, code in BY_KIND if isinstance(error, kind)), UNEXPECTED)


def told(error: KindredError) -> str:
    """Return the message of an error, with what to do where that is known."""
    text = str(error)
    if isinstance(error, Unauthenticated):
        text += "\nSign in with `kindred login`; tokens are made at /me/tokens/ of the site."
    if isinstance(error, Problem) and error.status >= 500 and error.request_id:
        text += f"\nReport this request to the site's operator: {error.request_id}"
    return text


class Guarded(click.Group):
    """A group whose commands end with the statuses above."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KindredError as error:
            code, text = code_of(error), told(error)
        except (KeyboardInterrupt, click.Abort):
            code, text = INTERRUPTED, "Interrupted."
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read stdout has enough; click ends quietly
                raise
            code, text = UNEXPECTED, str(error)
        hint = hint_of(ctx) if code in (INTERRUPTED, UNREACHABLE, PARTLY) else ""
        say(f"{text}\n{hint}" if hint else text)
        ctx.exit(code)
