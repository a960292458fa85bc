"""Metrics that nobody observes as they happen: read from tables, checks and the disk when somebody wants them."""

import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import django
from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from config import health, metric_files, places
from config.metrics import METRICS
from config.release import VERSION
from jobs.models import Job
from operations.services.bounded import Bounded


@dataclass(frozen=True)
class JobFigures:
    """Jobs by queue and state; of each queue, the oldest job not tried yet and the oldest heartbeat."""

    counts: Mapping[tuple[str, str], int]
    queued_since: Mapping[str, datetime | None]
    heartbeats: Mapping[str, datetime | None]


def job_figures() -> JobFigures:
    """Return the figures by two queries, of which the larger one reads an index and no row."""
    counts = Job.objects.order_by().values_list("queue", "state").annotate(Count("pk"))
    active = (
        Job.objects.filter(state__in=Job.ACTIVE)
        .order_by()
        .values("queue")
        .annotate(
            queued=Min("created_at", filter=Q(state=Job.State.QUEUED, attempt=0)),
            beat=Min("heartbeat_at", filter=Q(state=Job.State.RUNNING)),
        )
    )
    return JobFigures(
        counts={(queue, state): number for queue, state, number in counts},
        queued_since={row["queue"]: row["queued"] for row in active},
        heartbeats={row["queue"]: row["beat"] for row in active},
    )


_checks = Bounded("health", health.results)
_jobs = Bounded("jobs", job_figures)


def recent_checks() -> Mapping[str, str]:
    """Return the results of the checks of /readyz, in bounded time: of one that hangs, the result before."""
    return _checks.now() or health.known_results()


def readings() -> Iterator[Metric]:
    """Yield the metrics; those of jobs are left out where the database is away."""
    yield _build()
    yield from _volume()
    yield _up(recent_checks())
    figures = _jobs.now()
    if figures is not None:
        yield from _of_jobs(figures, timezone.now())
    yield from _processes()


def _gauge(name: str, samples: Iterable[tuple[tuple[str, ...], float]]) -> GaugeMetricFamily:
    row = METRICS[name]
    family = GaugeMetricFamily(row.name, row.meaning, labels=row.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _build() -> Metric:
    return _gauge("kindred_build_info", [((VERSION, platform.python_version(), django.get_version()), 1)])


def _volume() -> Iterator[Metric]:
    disk = shutil.disk_usage(places.var())
    yield _gauge("kindred_volume_bytes", [((), disk.total)])
    yield _gauge("kindred_volume_free_bytes", [((), disk.free)])


def _up(results: Mapping[str, str]) -> Metric:
    return _gauge("kindred_up", [((check,), float(result == "ok")) for check, result in results.items()])


def _of_jobs(figures: JobFigures, now: datetime) -> Iterator[Metric]:
    queues = Job.Queue.values
    pairs = [(queue, state) for queue in queues for state in Job.State.values]
    yield _gauge("kindred_jobs", [(pair, figures.counts.get(pair, 0)) for pair in pairs])
    yield _ages("kindred_job_oldest_queued_age_seconds", figures.queued_since, now)
    yield _ages("kindred_job_oldest_heartbeat_age_seconds", figures.heartbeats, now)


def _ages(name: str, since: Mapping[str, datetime | None], now: datetime) -> Metric:
    moments = {queue: since.get(queue) or now for queue in Job.Queue.values}
    return _gauge(name, [((queue,), max(0.0, (now - moment).total_seconds())) for queue, moment in moments.items()])


def _processes() -> Iterator[Metric]:
    """Yield memory, processor time and open files of each web process, numbered in the order of their pids."""
    families: dict[str, Metric] = {}
    for number, pid in enumerate(metric_files.living_processes(), start=1):
        for family in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
            all_of_them = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                all_of_them.add_sample(sample.name, {"process": str(number)}, sample.value)
    yield from families.values()
