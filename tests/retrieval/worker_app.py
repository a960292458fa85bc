"""The Celery app with a slow kind of index job: `celery -A tests.retrieval.worker_app worker`."""

import time
from typing import Any

import django

from config.celery import app

django.setup()

from accounts.roles import Role  # noqa: E402  # these need the models
from jobs.context import JobContext  # noqa: E402
from jobs.registry import KINDS, register  # noqa: E402
from retrieval.registry.services.indexes import run_index_job  # noqa: E402

__all__ = ("app",)

SLOW_INDEX = "test.slow_index"


def slow_index(context: JobContext, **payload: Any) -> dict[str, Any]:
    """Build an index; the first attempt dawdles at every step that it reports, so that it can be killed there."""
    report = context.progress

    def dawdle(phase: str, done: int, total: int = 0) -> None:
        report(phase, done, total)
        time.sleep(5 if context.attempt == 1 else 0)

    context.progress = dawdle  # type: ignore[method-assign]
    return run_index_job(context, **payload)


if SLOW_INDEX not in KINDS:
    register(SLOW_INDEX, slow_index, least=Role.MEMBER)
