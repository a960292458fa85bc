"""Beat as the sweeper: scheduled tasks run inside the beat process."""

from typing import Any

from celery.beat import ScheduleEntry, Scheduler


class InProcessScheduler(Scheduler):  # type: ignore[misc]  # celery has no types
    """Run what is due here and now, instead of sending it to a worker.

    A sweep sent to a queue would wait behind the long job it should watch, and be lost with the
    messages whose loss it should repair. What is scheduled must therefore be quick.
    """

    producer = None  # no connection of our own to the broker

    def apply_async(self, entry: ScheduleEntry, producer: object = None, advance: bool = True, **kwargs: Any) -> Any:
        """Call the task; beat logs what it raises."""
        due = self.reserve(entry) if advance else entry
        return self.app.tasks[due.task].apply(due.args, due.kwargs, throw=True)
