"""What the site does right now, for its admins: queues, processes, running jobs, storage and slow searches."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from config import places
from config.release import VERSION
from jobs.database_time import database_now
from jobs.models import Job
from operations.models import Process
from operations.services import processes
from operations.services.readings import job_figures, recent_checks
from retrieval.models import Ranking

DAY = timedelta(days=1)
SLOWEST = 10
NEWEST_RANKINGS = 5000
MOST_RUNNING = 100


@dataclass(frozen=True)
class Queue:
    """Jobs of a queue. waiting_since: when the oldest that was never tried was created; workers: that serve it now."""

    name: str
    waiting: int
    running: int
    failed: int
    waiting_since: datetime | None
    workers: int

    @property
    def is_stuck(self) -> bool:
        """Whether jobs wait that no worker will take."""
        return self.waiting > 0 and self.workers == 0


@dataclass(frozen=True)
class SlowSearch:
    """A search of the last day: when, how many models, and how long all of them took together, in milliseconds."""

    at: datetime
    models: int
    took_ms: float


@dataclass(frozen=True)
class Overview:
    """All of it. checks: those of /readyz, by name, "ok" or "failed", as the host sees it that answers."""

    at: datetime
    release: str
    checks: dict[str, str]
    queues: list[Queue]
    running: Sequence[Job]
    processes: Sequence[Process]
    silent: Sequence[Process]
    services: dict[str, str]
    volume_bytes: int
    volume_free_bytes: int
    slow_searches: list[SlowSearch]

    @property
    def hosts(self) -> int:
        """How many hosts run a process."""
        return len({process.host for process in self.processes})

    @property
    def releases(self) -> list[str]:
        """The releases that run now: more than one during an upgrade."""
        return sorted({process.release for process in self.processes})


def overview() -> Overview:
    """Return what the site does right now."""
    now, disk = database_now(), shutil.disk_usage(places.var())
    present = list(processes.running(now))
    running = Job.objects.filter(state=Job.State.RUNNING).select_related("owner").order_by("heartbeat_at")
    return Overview(
        at=now,
        release=VERSION,
        checks=dict(recent_checks()),
        queues=_queues(present),
        running=list(running[:MOST_RUNNING]),
        processes=present,
        silent=list(processes.silent(now)),
        services=_services(),
        volume_bytes=disk.total,
        volume_free_bytes=disk.free,
        slow_searches=_slow_searches(now),
    )


def _queues(present: Sequence[Process]) -> list[Queue]:
    figures = job_figures()
    return [
        Queue(
            name=name,
            waiting=figures.counts.get((name, Job.State.QUEUED), 0),
            running=figures.counts.get((name, Job.State.RUNNING), 0),
            failed=figures.counts.get((name, Job.State.FAILED), 0),
            waiting_since=figures.queued_since.get(name),
            workers=sum(process.role == Process.Role.WORKER and name in process.queues for process in present),
        )
        for name in Job.Queue.values
    ]


def _services() -> dict[str, str]:
    """Return which engine each service is, without its address, which may hold a password."""
    return {
        "database": settings.DATABASES["default"]["ENGINE"].rpartition(".")[2],
        "queue": urlsplit(settings.CELERY_BROKER_URL).scheme,
        "storage": urlsplit(settings.STORAGE_URL).scheme or "folder",
        "vectors": urlsplit(settings.VECTOR_STORE_URL).scheme or "hnswlib",
        "encoder": urlsplit(settings.ENCODER_URL).scheme or "in each web process",
    }


def _slow_searches(now: datetime) -> list[SlowSearch]:
    """Return the slowest of the last day among the newest rankings: a look by time would read every search."""
    newest = Ranking.objects.order_by("-pk").values_list("search", "search__created_at", "model", "took_ms")
    searches: dict[tuple[UUID, datetime], dict[int, float]] = {}
    for search, at, model, took in newest[:NEWEST_RANKINGS]:
        if at >= now - DAY:
            models = searches.setdefault((search, at), {})
            models[model] = models.get(model, 0) + took
    recent = [SlowSearch(at, len(models), sum(models.values())) for (_, at), models in searches.items()]
    return sorted(recent, key=lambda search: -search.took_ms)[:SLOWEST]
