"""A worker: it does the jobs of some queues, until it is stopped, or one job and ends."""

import logging
import os
import signal
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.celery import QUEUES, app, queue_named
from config.processes import started
from config.schema import SchemaTooOldError, check_schema
from jobs import services
from jobs.context import interrupt_running_jobs, worker_is_stopping
from jobs.models import Job

QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
"""Rows tell what workers do; what they would tell each other costs the broker connections and queues."""
LOOK_EVERY = 2.0  # seconds between two looks for a job that may come


class Command(BaseCommand):
    """Do jobs. A worker needs the broker, the database and the storage, and nothing else of the web host.

    It takes one job at a time. Start one worker for each GPU: CUDA_VISIBLE_DEVICES=1 python manage.py worker
    """

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--queues",
            default=",".join(QUEUES),
            help="queues to serve: work (imports, deletions, reports), index (embeds data sets and builds indexes: "
            "memory, or a GPU), train (trains: a GPU, for hours); default: all",
        )
        parser.add_argument("--once", action="store_true", help="do one job and end; without a job, end at once")
        parser.add_argument(
            "--wait", type=float, default=0, metavar="SECONDS", help="with --once: wait so long for a job to come"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        queues = _known(options["queues"])
        if options["wait"] and not options["once"]:
            raise CommandError("--wait belongs to --once: a worker that stays waits anyway")
        started.send(sender="worker", queues=queues)
        if options["once"]:
            self._do_one(queues, options["wait"])
        else:
            _serve(queues)

    def _do_one(self, queues: list[str], wait: float) -> None:
        """Do one job without the broker. The exit status is 1 if the job failed."""
        try:
            check_schema()
        except SchemaTooOldError as error:
            raise CommandError(str(error)) from error
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: interrupt_running_jobs())
        deadline = time.monotonic() + wait
        job = services.run_next(queues)
        while job is None and time.monotonic() < deadline and not worker_is_stopping():
            time.sleep(min(LOOK_EVERY, max(0, deadline - time.monotonic())))
            job = services.run_next(queues)
        if job is None:
            self.stdout.write(f"no job waits in {', '.join(queues)}")
            return
        self.stdout.write(f"job {job.pk} ({job.kind}): {job.state}{f': {job.error}' if job.error else ''}")
        if job.state == Job.State.FAILED:
            sys.exit(1)


def _known(names: str) -> list[str]:
    queues = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in queues if name not in QUEUES]
    if unknown or not queues:
        raise CommandError(f"--queues takes {', '.join(QUEUES)}, comma-separated, not {names!r}")
    return list(dict.fromkeys(queues))


def _serve(queues: list[str]) -> None:
    full = ",".join(queue_named(name, settings.CELERY_QUEUE_PREFIX).name for name in queues)
    name = f"{'-'.join(queues)}-{os.getpid()}@%h"  # several of a host must differ
    level = logging.getLevelName(logging.getLogger().level)  # Celery sets its own otherwise
    app.worker_main(["worker", "--queues", full, "--hostname", name, *QUIET, "--loglevel", level])
