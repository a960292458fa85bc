"""A site to search, in a folder of its own: imported, trained and indexed by the code of any commit, then served.

Everything goes over `manage.py` and the API of version 1, which a commit of another time has as well; so today's code
and that of an earlier commit are set up, served and measured the same way.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 120
STOP_SECONDS = 15
PORT = "PORT"

ACCOUNTS = """
from accounts.models import ApiToken
from accounts.services import create_account
for number in range({people}):
    role = "member" if number else "admin"
    person = create_account(f"person-{{number}}@example.org", None, role, f"Person {{number}}")
    print("token", ApiToken.objects.create(user=person, name="benchmark")[1])
"""
JOBS = """
from jobs.models import Job
from jobs.services import run_job
while (job := Job.objects.filter(state="queued").order_by("pk").first()):
    run_job(job.pk)
    job.refresh_from_db()
    if job.state != "succeeded":
        raise SystemExit(f"the {job.kind} job {job.state}: {job.error}")
"""


@dataclass(frozen=True)
class Contents:
    """What a site holds.

    source: wings or an archive of pictures. weights: a safetensors file with its JSON beside it; None for random ones.
    losses: each gives a model, all with the same frozen trunk. changes: of the protocol `frozen-features`.
    """

    source: str
    weights: Path | None
    losses: tuple[str, ...]
    changes: Mapping[str, Any]
    people: int


@dataclass(frozen=True)
class SearchSite:
    """A site that can be served: the code in `root`, its files in `var`, a token for each of its people."""

    root: Path
    var: Path
    tokens: tuple[str, ...]
    dataset: int
    models: tuple[int, ...]

    @property
    def stored_model(self) -> Path:
        """The folder of one of its models."""
        return min((self.var / "media").glob("**/model.json")).parent

    def pictures(self, count: int) -> list[str]:
        """Return paths of pictures of the data set, spread over all of them."""
        files = sorted(str(file) for file in (self.var / "media" / "datasets").glob("*/images/**/*") if file.is_file())
        return files[:: max(1, len(files) // count)][:count]

    @contextlib.contextmanager
    def served(self) -> Iterator[int]:
        """Serve the site as the Procfile says; yield the port once it answers."""
        with _served(self.root, self.var) as port:
            yield port


def make_site(root: Path, var: Path, contents: Contents) -> SearchSite:
    """Return a site with a data set, a model of each loss and their indexes, all of it made by the code in `root`."""
    manage(root, var, "migrate", "-v0")
    said = manage(root, var, "shell", "-c", ACCOUNTS.format(people=contents.people))
    tokens = tuple(re.findall(r"^token (\S+)$", said, re.M))
    source = _within_reach(contents.source, var)
    with _served(root, var) as port:
        api = Api(port, tokens[0])
        dataset = api.post("datasets/", {"name": "Pictures", "source": source})["id"]
        manage(root, var, "shell", "-c", JOBS)
        api.post("experiments/", {"name": "Heads", "dataset": dataset, "publish": True, **_training(contents, var)})
        manage(root, var, "shell", "-c", JOBS)
        models = tuple(sorted(model["id"] for model in api.get("models/?limit=100")["results"]))
    return SearchSite(root, var, tokens, dataset, models)


def _within_reach(source: str, var: Path) -> str:
    """Return the source as curators may name it: an archive lies below the site's import folder."""
    if source.startswith("wings"):
        return source
    target = var / "imports" / Path(source).name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return str(target)


def _training(contents: Contents, var: Path) -> dict[str, Any]:
    body: dict[str, Any] = {"preset": "frozen-features", "losses": list(contents.losses)}
    if contents.weights is None:
        return body | {"changes": {**contents.changes, "weights": "scratch"}}
    (var / "weights").mkdir(parents=True, exist_ok=True)
    for file in (contents.weights, contents.weights.with_suffix(".json")):
        shutil.copyfile(file, var / "weights" / file.name)
    return body | {"changes": dict(contents.changes), "weights": contents.weights.name}


def environment_of(root: Path, var: Path) -> dict[str, str]:
    """Return the environment of the processes of a site whose code is in `root`.

    The server believes the first proxy, so that each client may have an IP address of its own: the limit on requests
    from one address would end a measurement with 429.
    """
    own = {
        "PYTHONPATH": str(root),
        "KINDRED_VAR": str(var),
        "DATABASE_URL": f"sqlite:///{var / 'db.sqlite3'}",
        "KINDRED_TRUSTED_PROXIES": "1",
        "LOG_LEVEL": "WARNING",
        "OMP_NUM_THREADS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    return {**os.environ, **own}


def manage(root: Path, var: Path, *arguments: str) -> str:
    """Run a command of the site; return what it prints."""
    return manage_with(root, environment_of(root, var), *arguments)


def manage_with(root: Path, environment: Mapping[str, str], *arguments: str) -> str:
    """Run a command of a site in that environment; return what it prints. Raises SystemExit where it fails."""
    command = [sys.executable, "manage.py", *arguments]
    ended = subprocess.run(command, cwd=root, env=dict(environment), capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"{' '.join(command[:3])} failed in {root}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


@contextlib.contextmanager
def _served(root: Path, var: Path) -> Iterator[int]:
    line = re.search(r"^web: (.+)$", (root / "Procfile").read_text(), re.M)
    if line is None:
        raise SystemExit(f"{root / 'Procfile'} says no command for the web process")
    with process(["/bin/sh", "-c", f"exec {line[1]}"], root, environment_of(root, var), var / "web.log") as port:
        yield port


@contextlib.contextmanager
def process(command: Sequence[str], root: Path, environment: Mapping[str, str], log: Path) -> Iterator[int]:
    """Run a server, whose command may have PORT in place of its port; yield the port once it takes connections."""
    port = free_port()
    told = [str(port) if part == PORT else part for part in command]
    with log.open("ab") as file:
        server = subprocess.Popen(
            told, cwd=root, env={**environment, "KINDRED_PORT": str(port)}, stdout=file, stderr=file
        )
    try:
        wait_for(port, server, log)
        yield port
    finally:
        stop(server)


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server takes connections."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    stop(server)
    raise SystemExit(f"no server answers at port {port}:\n{log.read_text()[-4000:]}")


def stop(server: subprocess.Popen[bytes]) -> None:
    """End a server; by force where it does not end by itself."""
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


class Api:
    """The API of a served site, by one token."""

    def __init__(self, port: int, token: str) -> None:
        self._headers = {"Authorization": f"Token {token}", "X-Forwarded-For": "10.1.0.1"}
        self._port = port

    def get(self, path: str) -> Any:
        """Return the body of an answer."""
        return self._sent("GET", path, None, self._headers)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the body of an answer to JSON."""
        headers = {**self._headers, "Content-Type": "application/json"}
        return self._sent("POST", path, json.dumps(body).encode(), headers)

    def status(self, path: str) -> int:
        """Return the status of a page of the site."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=START_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=self._headers)
            return connection.getresponse().status

    def _sent(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=START_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, f"/api/v1/{path}", body, dict(headers))
            answer = connection.getresponse()
            read = answer.read()
        if not 200 <= answer.status < 300:
            raise SystemExit(f"{method} {path} answered {answer.status}: {read[:2000].decode(errors='replace')}")
        return json.loads(read) if read else None
