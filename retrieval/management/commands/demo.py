"""`make demo`: data, accounts, trained models, indexes and a running site, on this machine alone."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from tqdm import tqdm

from config import places
from config.errors import Rejected
from config.static_files import collect_if_changed
from jobs.models import Job
from retrieval.experiments.services.cloning import can_be_fine_tuned
from retrieval.models import Experiment
from retrieval.pages import demo

POLL = 0.5  # seconds
START_SECONDS = 60  # for the web process to answer
STOP_SECONDS = 30  # for workers to reach a safe point


class Command(BaseCommand):
    """Set the demo up, or take it up where it was, and serve it until Ctrl-C."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", default=demo.WINGS, help="folder or archive of your own pictures")
        parser.add_argument(
            "--weights", help="pre-trained .safetensors, or hub:NAME as timm has it (default: packaged)"
        )
        parser.add_argument(
            "--architecture", help="timm architecture of weights without .json (default: by their tensors)"
        )
        parser.add_argument("--epochs", type=int, help="epochs of each training; without it those of the preset")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--exit", action="store_true", help="stop once everything is served")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _interrupt)
        port = _free_port(options["port"])
        call_command("migrate", verbosity=0)
        passwords = demo.make_accounts()
        collect_if_changed()
        try:
            with _processes(port):
                experiment = self._prepare(options)
                self._serve(experiment, port, passwords)
                if not options["exit"]:
                    signal.pause()
        except Rejected as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("\nStopped. `make demo` goes on from here.")

    def _prepare(self, options: dict[str, Any]) -> Experiment:
        weights = demo.take_weights(options["weights"] or "", options["architecture"] or "")
        dataset = demo.import_data(options["data"])
        if dataset.job is not None and not dataset.is_ready:
            _watch([dataset.job], f"import of {dataset.name}")
            dataset.refresh_from_db()
        if not weights:
            self.stdout.write(
                "No pre-trained weights are installed: a small network learns from scratch. "
                "With WEIGHTS=file.safetensors it starts from what another has learned, and finds far better."
            )
        experiment = demo.start_training(dataset, weights, options["epochs"])
        while not demo.is_served(experiment):
            waiting = [job for job in demo.jobs_of(experiment) if job.is_active]
            # Asked again: the last job may have ended between the two questions.
            if not waiting and not demo.is_served(experiment):
                raise CommandError(
                    f"{experiment.name}: nothing is left to do, and yet an index is missing; see the lab"
                )
            _watch(waiting, "")
        return experiment

    def _serve(self, experiment: Experiment, port: int, passwords: dict[str, str]) -> None:
        address = f"http://127.0.0.1:{port}/"
        _await_answer(address)
        self.stdout.write(f"\nKindred serves {experiment.dataset.name} at {address}\n\n")
        for email, role in demo.PEOPLE.items():
            password = passwords.get(email, "(changed since)")
            self.stdout.write(f"  {role.value:<8} {email:<26} {password}\n")
        if can_be_fine_tuned(experiment):
            path = f"{reverse('experiment-new')}?fine_tune={experiment.pk}"
            self.stdout.write(f"\nTo train the backbone as well, sign in as admin: {address[:-1]}{path}\n")
        self.stdout.write(f"\nLogs: {_logs()}. Ctrl-C stops; `make demo` starts again in seconds.\n")
        self.stdout.flush()


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _free_port(wanted: int) -> int:
    """Return `wanted` or the next port that nobody uses."""
    for port in range(wanted, wanted + 50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise CommandError(f"no free port from {wanted} to {wanted + 49}; give another: make demo PORT=9000")


def _logs() -> Path:
    return places.var() / "logs"


@contextmanager
def _processes(port: int) -> Iterator[None]:
    """Run what the Procfile names, each with its own log; stop all of it at the end."""
    _logs().mkdir(parents=True, exist_ok=True)
    tools = str(Path(sys.executable).parent)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    environment = {"KINDRED_COLLECTED_STATIC": "true", **os.environ}
    environment |= {"KINDRED_PORT": str(port), "PATH": path, "PYTHONUNBUFFERED": "1"}
    running: dict[str, subprocess.Popen[bytes]] = {}

    def check(number: int, frame: object) -> None:
        ended = [name for name, process in running.items() if process.poll() is not None]
        if ended:
            raise CommandError(f"{ended[0]} ended by itself; see {_logs() / ended[0]}.log, then start again")

    try:
        signal.signal(signal.SIGCHLD, check)
        for line in (settings.BASE_DIR / "Procfile").read_text().splitlines():
            name, command = re.fullmatch(r"(\w+): (.+)", line).groups()  # type: ignore[union-attr]
            running[name] = _start(name, command, environment)
        check(signal.SIGCHLD, None)  # one may have ended before it had its name
        yield
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _stop(running.values())


def _start(name: str, command: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (_logs() / f"{name}.log").open("ab") as log:
        # A group of its own: Ctrl-C reaches it through us, once, and in order.
        return subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _stop(running: Collection[subprocess.Popen[bytes]]) -> None:
    for process in running:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()


def _watch(jobs: list[Job], title: str) -> None:
    """Show bars of jobs until all of them have succeeded."""
    for job in jobs:
        _watch_one(job, title)


def _watch_one(job: Job, title: str) -> None:
    with tqdm(total=1, desc=_title(job, title), bar_format="{desc:<44} {percentage:3.0f}% |{bar:30}| {elapsed}") as bar:
        while job.is_active:
            bar.set_description_str(_title(job, title))
            bar.total, bar.n = max(job.total, 1), min(job.done, max(job.total, 1))
            bar.refresh()
            time.sleep(POLL)
            job.refresh_from_db()
        bar.n = bar.total
        bar.refresh()
    if job.state != Job.State.SUCCEEDED:
        raise CommandError(f"{_title(job, title)} {job.state}: {job.error or 'see ' + str(_logs())}")


def _title(job: Job, title: str) -> str:
    name = title or f"{job.kind} {job.pk}"
    return f"{name}: {job.phase or job.state} {job.message}".strip()[:44]


def _await_answer(address: str) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot reach this machine
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            direct.open(address, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(POLL)
        else:
            return
    raise CommandError(f"the web site does not answer at {address}; see {_logs() / 'web.log'}")
