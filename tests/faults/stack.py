"""A real site as processes, with a proxy before each service that it uses, and people who search in it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.conf import settings

from accounts import services
from accounts.models import User
from jobs.models import Job
from retrieval.models import Run
from tests.faults.people import People
from tests.faults.proxy import Proxy
from tests.jobs.live import Live, process_is_alive, wait_until
from tests.kindred_client.site import Site
from tests.milvus_server import MilvusServer
from tests.retrieval.test_encoder_live import EncoderProcess
from tests.retrieval.world import LOSSES, World, started
from tests.storage.server import S3Server

PATIENCE = 240  # seconds: torch alone may take a while to load on a busy machine
AWAY = 30  # seconds that a service is away
MORE = 4  # searches that succeed before a fault is done, and again after it
PORTS = {"postgres": 5432, "redis": 6379, "amqp": 5672}
TIMES = {
    "JOB_HEARTBEAT_SECONDS": "1",
    "JOB_STALE_SECONDS": "8",
    "JOB_RESEND_SECONDS": "20",
    "JOB_SWEEP_SECONDS": "1",
}
"""Longer than those of the queue's tests: a busy machine must not look like a dead one."""


def through_a_proxy(url: str) -> tuple[Proxy, str]:
    """Return a proxy before the service of a URL, and the URL that leads through it."""
    parts = urlsplit(url)
    proxy = Proxy(parts.port or PORTS[parts.scheme])
    user = parts.netloc.rpartition("@")[0]
    return proxy, urlunsplit(parts._replace(netloc=f"{user}{'@' if user else ''}127.0.0.1:{proxy.port}"))


class Stack:
    """Web server, workers and beat. `database`, `broker`, `cache`, `storage`, `milvus`: proxies before the services."""

    def __init__(self, live: Live, world: World, member: User, curator: User) -> None:
        self.live, self.world, self.member, self.curator = live, world, member, curator
        self.env_of_web: dict[str, str] = {}
        self.hosts: Path | None = None  # where each process has a folder of its own, if they share none
        self.seen = list[str]()
        self.is_settled = False  # once everything is counted
        self.failures = dict[int, str]()  # words of the error of each job that has to fail
        live.app = "config"
        self.database, database = through_a_proxy(live.env["DATABASE_URL"])
        self.broker, broker = through_a_proxy(live.env["CELERY_BROKER_URL"])
        self.cache, cache = through_a_proxy(os.environ["CACHE_URL"])
        self.storage: Proxy | None = None
        self.milvus: Proxy | None = None
        self.milvus_server: MilvusServer | None = None
        self.encoder: EncoderProcess | None = None
        self.server: S3Server | None = None
        live.env |= TIMES | {
            "DATABASE_URL": database,
            "CELERY_BROKER_URL": broker,
            "CACHE_URL": cache,
            "SECRET_KEY": settings.SECRET_KEY,
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
        }

    def open(self) -> None:
        """Start the web server and let people in."""
        self.site = Site(self.live, self._env("web") | self.env_of_web)
        token = services.create_token(self.member, "people", read_only=False)[1]
        pictures = [image.pk for image in self.world.test_images]
        self.people = People(self.site.address, token, pictures, self.world.dataset.pk)
        self.people.begin()
        self.wait_for_searches()

    def close(self) -> None:
        """End everything."""
        for proxy in (self.database, self.broker, self.cache, self.storage, self.milvus):
            if proxy is not None:
                proxy.resume()
        if hasattr(self, "people"):
            self.people.end()
        self.live.stop_all()
        for proxy in (self.database, self.broker, self.cache, self.storage, self.milvus):
            if proxy is not None:
                proxy.close()

    def _env(self, role: str) -> dict[str, str]:
        return {"KINDRED_VAR": str(self.hosts / role)} if self.hosts else {}

    # --- processes

    def kill_web(self) -> None:
        """Kill the web server and its worker; requests may break from now on."""
        self.people.server_is_down.set()
        self.site.kill9()

    def start_web(self) -> None:
        """Start the web server at its address."""
        self.people.server_is_down.set()
        self.site.env = self._env("web") | self.env_of_web
        self.site.start()
        self.people.server_is_down.clear()

    def start_worker(self, queues: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        """Start a worker of some queues, and return when it listens."""
        command = [sys.executable, "manage.py", "worker", "--queues", queues]
        worker = self.live.start(command, env=self._env(queues) | dict(env or {}))
        wait_until(
            lambda: re.search(r" ready\.", self.live.log_of(worker)) is not None or worker.poll() is not None,
            PATIENCE,
            lambda: f"a worker\n{self.logs()}",
        )
        assert worker.poll() is None, self.logs()
        return worker

    def start_beat(self, env: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        """Start the sweeper."""
        command = [sys.executable, "-m", "celery", "-A", "config", "beat", "--pidfile", "", "--loglevel=INFO"]
        return self.live.start(command, env=self._env("beat") | dict(env or {}))

    def children(self) -> list[int]:
        """Return the processes that train, of this stack."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes()
            except OSError:  # it has ended meanwhile
                continue
            is_ours = any(str(place).encode() in words for place in self._folders())
            if is_ours and b"mlcore\0train" in words and process_is_alive(int(folder.name)):
                found.append(int(folder.name))
        return found

    def _folders(self) -> list[Path]:
        return [Path(settings.VAR_DIR), *([self.hosts] if self.hosts else [])]

    # --- what is done meanwhile

    def train(self, epochs: int = 30) -> Run:
        """Order a training, and return its run after two epochs."""
        run = self.ordered(epochs)
        self.wait_for_epochs(run, 2)
        return run

    def ordered(self, epochs: int) -> Run:
        """Order a training."""
        return started(self.world.dataset, LOSSES[:1], epochs=epochs).runs.get()

    def wait_for_epochs(self, run: Run, count: int) -> None:
        """Wait until so many epochs are noted."""

        def noted() -> bool:
            run.refresh_from_db()
            return len(run.history) >= count

        wait_until(noted, PATIENCE, lambda: f"{count} epochs of {run.job}\n{self.logs()}")

    def wait_for(self, job: Job | None, state: str = "succeeded") -> Job:
        """Wait until a job is in that state."""
        assert job is not None

        def ended() -> bool:
            job.refresh_from_db()
            return job.state == state or job.state in Job.FINISHED

        wait_until(ended, PATIENCE, lambda: f"{state}, but {job}\n{self.logs()}")
        assert job.state == state, f"{job}: {job.error}\n{self.logs()}"
        return job

    def wait_for_searches(self, count: int = MORE) -> None:
        """Wait until people have found something so many times more."""
        before = len(self.people.searches)
        wait_until(
            lambda: len(self.people.searches) >= before + count or bool(self.people.troubles),
            PATIENCE,
            lambda: f"{count} searches, but {self.people.said()}\n{self.logs()}",
        )
        assert not self.people.troubles, self.people.troubles

    @contextmanager
    def away(self, service: Proxy, seconds: float = AWAY) -> Iterator[None]:
        """Let a service be away for so long at least, and while the block runs."""
        service.away()
        begun = time.monotonic()
        yield
        time.sleep(max(0, begun + seconds - time.monotonic()))
        service.back()

    def api(self, user: User) -> httpx.Client:
        """Return a client of the site with a token of that person."""
        return self.site.api(user)

    def ready(self) -> httpx.Response:
        """Return the answer of /readyz."""
        return httpx.get(f"{self.site.address}/readyz", trust_env=False, timeout=30)

    def saw(self, sentence: str) -> None:
        """Note something for the table of faults."""
        self.seen.append(sentence)

    def logs(self) -> str:
        """Return the ends of what all processes have said."""
        return "\n".join(
            f"--- {process.args!r} {process.poll()}\n{self.live.log_of(process)[-4000:]}"
            for process in self.live.processes
        )
