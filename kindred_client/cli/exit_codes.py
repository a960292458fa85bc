"""How the command ends: a number for each kind of trouble, and a sentence instead of a traceback."""

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
    """Return the status that this trouble ends the command with."""
    if isinstance(error, Problem) and error.slug in LOCAL:
        return LOCAL[error.slug]
    return next((code for kind, code in BY_KIND if isinstance(error, kind)), UNEXPECTED)


def told(error: KindredError) -> str:
    """Return what to tell of it, with the way out where there is a usual one."""
    text = str(error)
    if isinstance(error, Unauthenticated):
        text += "\nSign in with `kindred login`; tokens are made at /me/tokens/ of the site."
    if isinstance(error, Problem) and error.status >= 500 and error.request_id:
        text += f"\nTell the site's keepers: request {error.request_id}"
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
