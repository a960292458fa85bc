"""The Celery app and its queues. A message carries one job id; the job's row is the truth."""

import os

from celery import Celery
from kombu import Queue  # type: ignore[attr-defined]  # kombu has few types
from kombu.exceptions import OperationalError
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES["filesystem"] = "config.broker:Transport"  # kombu's own, made safe

QUEUES = ("work", "index", "train")
"""By what jobs need: `work` little, `index` memory, and a GPU if there is one, `train` a GPU, for hours."""

# RabbitMQ closes the channel of a consumer that holds a message for 30 minutes. A worker that
# trains holds the next message for as long as the training lasts. Other brokers ignore this.
HOLD_AT_MOST_MS = 30 * 24 * 3600 * 1000

app = Celery("kindred")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def queue_named(name: str, prefix: str) -> Queue:
    """Return the broker's queue for `name`; sender and worker must declare it alike."""
    if name not in QUEUES:
        raise ValueError(f"no queue named {name!r}; known: {', '.join(QUEUES)}")
    full = f"{prefix}{name}"
    return Queue(  # type: ignore[no-untyped-call]
        full, routing_key=full, queue_arguments={"x-consumer-timeout": HOLD_AT_MOST_MS}
    )


def broker_errors() -> tuple[type[Exception], ...]:
    """Return what sending raises when the broker is away; each kind of broker has its own errors."""
    connection = app.connection_for_write()
    return (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors)
