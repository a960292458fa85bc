"""All metrics of the site, in one table, and those that code observes; `operations` adds what tables and disks say.

A label takes few values that are known beforehand: never an id, a path or a name that people chose.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.multiprocess import MultiProcessCollector

from config import metric_files


@dataclass(frozen=True)
class Metric:
    """A metric as Prometheus shows it; counters end in `_total`, and units are seconds and bytes."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()


METRICS = {
    metric.name: metric
    for metric in (
        Metric("kindred_http_requests_total", "counter", "Answered requests.", ("route", "method", "status")),
        Metric(
            "kindred_http_request_duration_seconds",
            "histogram",
            "Time from a request's arrival in a thread to the start of its response.",
            ("route",),
        ),
        Metric(
            "kindred_search_duration_seconds",
            "histogram",
            "Time from a search's request to its stored results, or to its refusal.",
            ("kind", "outcome"),
        ),
        Metric(
            "kindred_search_part_duration_seconds",
            "histogram",
            "Time of an embedding, waiting included, and of a look into one index.",
            ("part",),
        ),
        Metric("kindred_engine_queue_pictures", "gauge", "Pictures that are embedded or wait for it."),
        Metric("kindred_engine_memory_bytes", "gauge", "Memory that loaded models and indexes take."),
        Metric("kindred_jobs", "gauge", "Jobs.", ("queue", "state")),
        Metric(
            "kindred_job_oldest_queued_age_seconds",
            "gauge",
            "Age of the oldest job that waits for its first attempt; 0 without one.",
            ("queue",),
        ),
        Metric(
            "kindred_job_oldest_heartbeat_age_seconds",
            "gauge",
            "Time since the oldest heartbeat of a running job; 0 without one.",
            ("queue",),
        ),
        Metric("kindred_up", "gauge", "Whether a check of /readyz succeeds: 1 or 0.", ("check",)),
        Metric("kindred_volume_bytes", "gauge", "Size of the volume of KINDRED_VAR."),
        Metric("kindred_volume_free_bytes", "gauge", "Free space of that volume."),
        Metric("kindred_build_info", "gauge", "Always 1; the labels are versions.", ("version", "python", "django")),
    )
}

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the histograms."""

REGISTRY = CollectorRegistry()
"""Of this process; several web processes share files instead, see `config.metric_files`."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series, and nothing here reads them


def _counter(name: str) -> Counter:
    row = METRICS[name]
    return Counter(row.name, row.meaning, row.labels, registry=REGISTRY)


def _gauge(name: str) -> Gauge:
    row = METRICS[name]
    return Gauge(row.name, row.meaning, row.labels, registry=REGISTRY, multiprocess_mode="livesum")


def _histogram(name: str) -> Histogram:
    row = METRICS[name]
    return Histogram(row.name, row.meaning, row.labels, registry=REGISTRY, buckets=SECONDS)


REQUESTS = _counter("kindred_http_requests_total")
REQUEST_SECONDS = _histogram("kindred_http_request_duration_seconds")
SEARCH_SECONDS = _histogram("kindred_search_duration_seconds")
SEARCH_PART_SECONDS = _histogram("kindred_search_part_duration_seconds")
QUEUE_PICTURES = _gauge("kindred_engine_queue_pictures")
ENGINE_BYTES = _gauge("kindred_engine_memory_bytes")


def observed() -> Iterable[Family]:
    """Return what code has observed: in all web processes of this host together, else in this process."""
    folder = metric_files.shared_folder()
    if folder is None:
        return REGISTRY.collect()
    metric_files.living_processes()  # so that what the dead held in queues and memory is forgotten
    families: Iterable[Family] = MultiProcessCollector(None, str(folder)).collect()  # type: ignore[no-untyped-call]
    return families
