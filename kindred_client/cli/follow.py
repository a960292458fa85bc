"""Waiting for jobs, which continue when the command ends; a hint says how to follow them."""

from collections.abc import Iterable
from typing import Any

from kindred_client.api import Ref, key
from kindred_client.cli.names import Thing
from kindred_client.cli.session import Session
from kindred_client.waiting import JobFailed


def wait(session: Session, job: Ref, *, timeout: float | None = None) -> Any:
    """Wait for a job. Raises JobFailed, WaitTimeout."""
    session.hint = f"The job continues. Wait for it: kindred jobs wait {key(job)}"
    return session.client.wait(job, timeout=timeout)


def wait_for_all(session: Session, jobs: Iterable[Ref], *, timeout: float | None = None) -> tuple[list[Thing], int]:
    """Wait for all jobs; return them, and how many did not succeed."""
    waiting = [key(job) for job in jobs]
    ended: list[Thing] = []
    failed = 0
    for place, job in enumerate(waiting):
        left = " ".join(map(str, waiting[place:]))
        session.hint = f"Unfinished jobs continue. Wait for them: kindred jobs wait {left}"
        try:
            ended.append(session.client.wait(job, timeout=timeout))
        except JobFailed as error:
            ended.append(error.job)
            failed += 1
    return ended, failed


def wait_for_experiment(session: Session, experiment: Thing) -> tuple[Thing, JobFailed | None]:
    """Wait for all runs; return the experiment, and the failure to report."""
    session.hint = f"The runs continue. Wait for them: kindred compare --experiment {experiment['id']}"
    try:
        return session.client.experiments.wait(experiment), None
    except JobFailed as error:
        return session.client.experiments.get(experiment), error
