"""Real workers and a real beat, as processes, on the configured broker and the test's database.

    @pytest.mark.queue
    def test_something(live):
        worker = live.start_worker("train")
        live.start_beat()
        live.kill9(worker)
        live.wait_for(job, "succeeded")

The processes share the test's database, VAR_DIR and broker; the queues have a prefix of their own.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from kombu import pools
from pytest_django import Settings

from config.celery import QUEUES, app, queue_named
from jobs.models import Job

ROOT = Path(__file__).resolve().parents[2]
BROKER = os.environ.get("CELERY_BROKER_URL", "filesystem://")
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO")
START_SECONDS = 120  # of a worker, on a busy machine
TIMES = {
    "JOB_HEARTBEAT_SECONDS": "0.5",
    "JOB_STALE_SECONDS": "3",
    "JOB_RESEND_SECONDS": "3",
    "JOB_SWEEP_SECONDS": "0.5",
}


def database_url() -> str:
    """Return the address of the database that this test uses."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    user = quote(given["USER"]) + (f":{quote(given['PASSWORD'])}" if given["PASSWORD"] else "")
    host = f"{quote(given['HOST'], safe='') or 'localhost'}:{given['PORT'] or 5432}"
    return f"postgres://{user}@{host}/{given['NAME']}"


def process_is_alive(pid: int) -> bool:
    """Say whether that process runs: one that has ended and was not waited for does not."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "State:\tZ" not in status


def wait_until(true: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    """Wait until the condition holds; fail with what `what` says when it does not in that time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"not in {seconds:g} s: {what()}")
        time.sleep(0.05)


class Live:
    """The processes of one test."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.folder = folder
        self.prefix = prefix
        self.app = "tests.jobs.worker_app"  # another one may know other kinds of jobs
        self.processes: list[subprocess.Popen[bytes]] = []
        self.leaders: set[int] = set()
        self.env = {
            **os.environ,
            **TIMES,
            "DATABASE_URL": database_url(),
            "CELERY_BROKER_URL": BROKER,
            "CELERY_QUEUE_PREFIX": prefix,
            "KINDRED_VAR": str(settings.VAR_DIR),
            "PYTHONPATH": str(ROOT),
        }

    def start_worker(self, queue: str = "work", *, pool: str | None = None) -> subprocess.Popen[bytes]:
        """Start a worker of that queue, `work` with `index` as in the Procfile, and return when it listens."""
        name = f"{queue}{len(self.processes)}@test"
        served = (
            ",".join(f"{self.prefix}{each}" for each in ("work", "index") if queue == "work") or self.prefix + queue
        )
        argv = ["worker", "--queues", served, "--hostname", name, *QUIET]
        worker = self._start([*argv, "--pool", pool] if pool else argv)
        wait_until(lambda: self._says(worker, f"{name} ready"), START_SECONDS, lambda: f"a worker\n{self.logs()}")
        return worker

    def start_command(self, *argv: str) -> subprocess.Popen[bytes]:
        """Start `manage.py worker` with the tests' kinds of jobs."""
        return self.start([sys.executable, "-m", "tests.jobs.worker", *argv])

    def start_beat(self) -> subprocess.Popen[bytes]:
        """Start the sweeper."""
        pidless = ["beat", "--pidfile", "", "--loglevel=INFO"]
        return self._start(pidless)

    def kill9(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the process as the kernel does when memory runs out: it cleans nothing up."""
        if process.pid in self.leaders:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()

    def terminate(self, process: subprocess.Popen[bytes], seconds: float = 15) -> None:
        """Ask the process to shut down, and wait until it has."""
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: process.poll() is not None, seconds, lambda: f"shutdown\n{self.logs()}")

    def wait_for(self, job: Job, state: str, seconds: float = 30) -> None:
        """Wait until the job is in that state, and refresh the row."""

        def reached() -> bool:
            job.refresh_from_db()
            return job.state == state

        wait_until(reached, seconds, lambda: f"{state}, but {job} {job.error!r}\n{self.logs()}")

    def log_of(self, process: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"process-{self.processes.index(process)}.log").read_text(errors="replace")

    def logs(self) -> str:
        """Return what all processes have said."""
        return "\n".join(f"--- {process.args!r}\n{self.log_of(process)}" for process in self.processes)

    def _says(self, process: subprocess.Popen[bytes], words: str) -> bool:
        if process.poll() is not None:
            pytest.fail(f"it ended at once\n{self.log_of(process)}")
        return words in self.log_of(process)

    def stop_all(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                self.kill9(process)

    def _start(self, argv: list[str]) -> subprocess.Popen[bytes]:
        return self.start([sys.executable, "-m", "celery", "-A", self.app, *argv])

    def start(
        self, command: list[str], *, leads: bool = False, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process of this test; `leads`: one that has others of its own, which die with it.

        env: what its environment has besides that of all.
        """
        with (self.folder / f"process-{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self.env, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=leads,
            )
        self.processes.append(process)
        if leads:
            self.leaders.add(process.pid)
        return process


@pytest.fixture
def live(transactional_db: None, own_surroundings: None, settings: Settings, tmp_path: Path) -> Iterator[Live]:
    """Connect this test to the real broker, under a prefix of its own, and end all processes after it."""
    settings.CELERY_QUEUE_PREFIX = f"test-{uuid.uuid4().hex[:12]}-"
    options = dict(app.conf.broker_transport_options)
    messages = settings.VAR_DIR / "broker" / "messages"
    messages.mkdir(parents=True)
    connect(BROKER, {
        **options,
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(settings.VAR_DIR / "broker" / "control"),
    } if BROKER.startswith("filesystem") else options)  # fmt: skip
    processes = Live(tmp_path, settings.CELERY_QUEUE_PREFIX)
    yield processes
    processes.stop_all()
    with app.connection_for_write() as broker:
        for name in QUEUES:
            queue_named(name, settings.CELERY_QUEUE_PREFIX)(broker.default_channel).delete()
    connect("memory://", options)


def connect(url: str, options: dict[str, object]) -> None:
    """Make this process send to that broker from now on."""
    app.conf.broker_url = url
    app.conf.broker_transport_options = options
    pools.reset()
    app._pool = app.amqp._producer_pool = None
