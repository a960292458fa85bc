"""Celery tasks: run one job, sweep; and the beat that sweeps. The rules are in the services."""

import time
from typing import Any

from celery import shared_task
from celery.beat import ScheduleEntry, Scheduler
from celery.signals import worker_shutting_down
from django.db import close_old_connections

from jobs import services, sweeper
from jobs.context import interrupt_running_jobs
from jobs.database_time import database_now


@shared_task(name="jobs.run")  # type: ignore[untyped-decorator]
def run(job_id: int) -> None:
    """Run one job."""
    services.run_job(job_id)


@shared_task(name="jobs.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Repair what was lost. Beat calls it in its own process, where nobody else tends connections."""
    close_old_connections()
    try:
        sweeper.sweep(database_now())
    finally:
        close_old_connections()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def on_shutdown(**kwargs: Any) -> None:
    """At SIGTERM let the running job stop at its next safe point instead of ending it by SIGKILL."""
    interrupt_running_jobs()


class InProcessScheduler(Scheduler):  # type: ignore[misc]  # celery has no types
    """Run what is due here and now, instead of sending it to a worker.

    A sweep sent to a queue would wait behind the long job it should watch, and be lost with the
    messages whose loss it should repair. What is scheduled must therefore be quick.

    Intervals are those of the monotonic clock: Celery's own stand still for an hour when the time of day is set back
    by one.
    """

    producer = None  # no connection of our own to the broker

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._due_at: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def tick(self, **kwargs: Any) -> float:
        """Run what is due; return the seconds until the next is."""
        for name, entry in self.schedule.items():
            now = time.monotonic()
            if now >= self._due_at.setdefault(name, now + entry.schedule.seconds):
                self._due_at[name] = now + entry.schedule.seconds
                self.apply_entry(entry, producer=self.producer)
        return max(0.0, min(self._due_at.values()) - time.monotonic())

    def apply_async(self, entry: ScheduleEntry, producer: object = None, advance: bool = True, **kwargs: Any) -> Any:
        """Call the task; beat logs what it raises."""
        due = self.reserve(entry) if advance else entry
        return self.app.tasks[due.task].apply(due.args, due.kwargs, throw=True)
