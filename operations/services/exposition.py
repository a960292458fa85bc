"""The metrics of the site as Prometheus reads them."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from config import metrics
from operations.services.readings import readings


class _Everything(Collector):
    """What code has observed, and what is read now."""

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield from metrics.observed()
        yield from readings()


_registry = CollectorRegistry()
_registry.register(_Everything())


def exposition() -> bytes:
    """Return all metrics in the text format of Prometheus, version 0.0.4."""
    return generate_latest(_registry)
