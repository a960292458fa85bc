"""Commands for jobs: list, wait, cancel, retry."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import click

from kindred_client.cli.exit_codes import JOB_FAILED, PARTLY
from kindred_client.cli.follow import wait_for_all
from kindred_client.cli.names import Thing
from kindred_client.cli.output import NOTHING, as_json, say, table
from kindred_client.cli.session import Session, command

STATES = ("queued", "running", "succeeded", "failed", "cancelled")
COLUMNS = ("id", "kind", "state", "progress", "created_at", "about")


@click.group()
def jobs() -> None:
    """Background jobs: list, wait, cancel, retry."""


@command("list")
@click.option("--state", multiple=True, type=click.Choice(STATES), help="State; may be repeated.")
@click.option("--kind", default=None, help="Kind: import, train, index, report, ...")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Number of jobs, newest first.")
def list_jobs(session: Session, state: tuple[str, ...], kind: str | None, limit: int) -> None:
    """List your jobs, newest first; curators see all."""
    found = session.client.jobs.list(state=list(state) or None, kind=kind, limit=min(limit, 1000))
    show(session, list(islice(found, limit)))


@command("wait")
@click.argument("job", type=int, nargs=-1, required=True)
@click.option(
    "--timeout",
    type=float,
    default=None,
    metavar="SECONDS",
    help="Seconds to wait for each job; the jobs go on afterwards.",
)
def wait_for_jobs(session: Session, job: tuple[int, ...], timeout: float | None) -> None:
    """Wait until jobs have ended. Ctrl-C stops waiting; the jobs go on."""
    ended, failed = wait_for_all(session, job, timeout=timeout)
    show(session, ended)
    if failed:
        click.get_current_context().exit(JOB_FAILED if failed == len(ended) else PARTLY)


@command("cancel")
@click.argument("job", type=int, nargs=-1, required=True)
def cancel(session: Session, job: tuple[int, ...]) -> None:
    """Cancel jobs; running ones stop at the next safe point."""
    show(session, _each(session.client.jobs.cancel, job))


@command("retry")
@click.argument("job", type=int, nargs=-1, required=True)
def retry(session: Session, job: tuple[int, ...]) -> None:
    """Queue failed or cancelled jobs again."""
    found = _each(session.client.jobs.retry, job)
    show(session, found)
    if not session.as_json:
        say(f"Follow them: kindred jobs wait {' '.join(str(one['id']) for one in found)}")


def _each(ask: Callable[[int], Any], jobs: tuple[int, ...]) -> list[Thing]:
    return [ask(job) for job in jobs]


def show(session: Session, rows: list[Thing]) -> None:
    if session.as_json:
        return as_json(rows)
    table([_told(row) for row in rows], COLUMNS)


def _told(job: Thing) -> dict[str, Any]:
    progress = f"{job.get('done')} / {job['total']}" if job.get("total") else NOTHING
    about = job.get("error") or job.get("message") or job.get("phase")
    return {**job, "progress": progress, "about": about}


for _command in (list_jobs, wait_for_jobs, cancel, retry):
    jobs.add_command(_command)
COMMANDS = (jobs,)
