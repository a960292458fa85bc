"""A whole site for a load: accounts, a data set of drawn butterflies, trained models and their indexes."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load.stack import Stack
from benchmarks.measuring import ROOT
from benchmarks.search_site import Api, manage_with
from mlcore.butterflies import WingsSpec, picture_bytes

PASSWORD = "a-load-of-butterflies-4711"  # noqa: S105  # of accounts that end with the run
JOB_SECONDS = 1800  # of one job, on a busy machine
ADMIN = 0

ACCOUNTS = """
from accounts.models import ApiToken
from accounts.services import create_account
for number in range({count}):
    role = "member" if number else "admin"
    person = create_account(f"person-{{number}}@example.org", {password!r}, role, f"Person {{number}}")
    print("token", ApiToken.objects.create(user=person, name="load")[1])
"""


@dataclass(frozen=True)
class Size:
    """How much a site holds. pictures: (species, pictures of each, pixels). changes: of the protocol."""

    pictures: tuple[int, int, int]
    losses: tuple[str, ...]
    changes: Mapping[str, Any]
    queries: int  # pictures that clients search with, of species that no model knows


FULL = Size(
    (100, 20, 160),
    ("proxy_anchor", "soft_triple", "multi_similarity"),
    {"weights": "scratch", "epochs": 1, "batch_size": 120, "dim": 512},
    queries=60,
)
QUICK = Size((8, 6, 32), ("soft_triple", "multi_similarity"), {"batch_size": 16, "dim": 16, "epochs": 1}, queries=6)
SMALL_PROTOCOL = {"preset": "demo", "changes": {"short_side": 32, "crop": 32}}


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and how to enter."""

    number: int
    token: str

    @property
    def email(self) -> str:
        """Their address, by which the site names them too."""
        return f"person-{self.number}@example.org"

    @property
    def ip(self) -> str:
        """The IP address that a proxy would say they have."""
        return f"10.0.{self.number // 250}.{self.number % 250 + 1}"


@dataclass(frozen=True)
class LoadSite:
    """A site that is up. people: an admin, then a member for each client. queries: JPEG files, from memory."""

    stack: Stack
    environment: Mapping[str, str]
    var: Path
    people: tuple[Person, ...]
    dataset: int
    slug: str
    models: tuple[int, ...]
    images: tuple[int, ...]
    queries: tuple[bytes, ...]

    @property
    def admin(self) -> Api:
        """The API by the admin's token."""
        return Api(self.stack.port, self.people[ADMIN].token)

    def manage(self, *arguments: str) -> str:
        """Run a command of the site; return what it prints."""
        return manage(self.environment, *arguments)

    def wait_for_jobs(self, seconds: float = JOB_SECONDS) -> list[dict[str, Any]]:
        """Wait until no job is queued or runs; return those that are left after so many seconds."""
        return wait_for_jobs(self.admin, seconds)


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    """Run a command of a site of this checkout; return what it prints. Raises SystemExit where it fails."""
    return manage_with(ROOT, environment, *arguments)


def wait_for_jobs(api: Api, seconds: float) -> list[dict[str, Any]]:
    """Wait until no job is queued or runs; return those that are left after so many seconds."""
    until = time.monotonic() + seconds
    while True:
        active: list[dict[str, Any]] = api.get("jobs/?state=queued&state=running&limit=100")["results"]
        if not active or time.monotonic() > until:
            return active
        time.sleep(0.2)


def make_people(environment: Mapping[str, str], clients: int) -> tuple[Person, ...]:
    """Make the database and the accounts."""
    manage(environment, "migrate", "-v0")
    said = manage(environment, "shell", "-c", ACCOUNTS.format(count=clients + 1, password=PASSWORD))
    return tuple(Person(number, token) for number, token in enumerate(re.findall(r"^token (\S+)$", said, re.M)))


def make_site(
    stack: Stack, environment: Mapping[str, str], var: Path, people: tuple[Person, ...], size: Size
) -> LoadSite:
    """Import, train and index over the API of a site that is up, with the workers of the Procfile."""
    species, each, pixels = size.pictures
    api = Api(stack.port, people[ADMIN].token)
    source = f"wings:species={species},per_class={each},size={pixels}"
    dataset = api.post("datasets/", {"name": "Butterflies", "source": source})["id"]
    _finish(api)
    protocol = SMALL_PROTOCOL if size is QUICK else {"preset": "frozen-features", "changes": {}}
    body = {"name": "Heads", "dataset": dataset, "publish": True, "losses": list(size.losses)}
    api.post("experiments/", {**body, **protocol, "changes": {**protocol["changes"], **size.changes}})  # type: ignore[dict-item]
    _finish(api)
    models = tuple(sorted(row["id"] for row in api.get("models/?limit=100")["results"]))
    if len(models) != len(size.losses):
        raise SystemExit(f"{len(size.losses)} models were to be trained, {len(models)} are published")
    slug = api.get(f"datasets/{dataset}/")["slug"]
    images = tuple(row["id"] for row in api.get(f"datasets/{dataset}/images/?limit=100")["results"])
    spec = WingsSpec(per_class=each + 2, size=2 * pixels)
    queries = tuple(picture_bytes(spec, number % species, each + number % 2) for number in range(size.queries))
    return LoadSite(stack, environment, var, people, dataset, slug, models, images, queries)


def _finish(api: Api) -> None:
    """Wait for all jobs, of which none may fail."""
    if left := wait_for_jobs(api, JOB_SECONDS):
        raise SystemExit(f"{left[0]['kind']} did not end within {JOB_SECONDS} s")
    if failed := api.get("jobs/?state=failed&limit=100")["results"]:
        raise SystemExit(f"{failed[0]['kind']} failed: {failed[0]['error']}")
