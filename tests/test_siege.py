"""A site of 1 GB, eight clients that send the worst pictures there are, and one person who looks at pages meanwhile."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from accounts import services
from jobs.bounds import memory_of
from tests.conftest import person
from tests.corpus.pictures import heaviest_pictures, malformed_pictures
from tests.jobs.live import Live
from tests.kindred_client.site import Site
from tests.retrieval.world import World

MEGABYTES = 1024  # of resident memory, all processes of the site together
CLIENTS = 8
ANSWERS = {201, 400, 413, 503}  # taken, refused, too large, busy


class Watch(threading.Thread):
    """The most memory that the processes of the site have held together, in MB, and who they were."""

    def __init__(self, leader: int) -> None:
        super().__init__(daemon=True)
        self.leader, self.over = leader, threading.Event()
        self.peak, self.first = 0.0, self.processes()

    def processes(self) -> set[int]:
        """Return the server and all below it."""
        parents = {int(stat.parent.name): _parent(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
        known = {self.leader}
        while more := {pid for pid, parent in parents.items() if parent in known} - known:
            known |= more
        return known

    def run(self) -> None:
        while not self.over.wait(0.1):
            taken = sum(memory_of(Path(f"/proc/{pid}")) for pid in self.processes())
            self.peak = max(self.peak, taken / 2**20)


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return 0


def worst(seed: int) -> Iterator[bytes]:
    """Yield the heaviest and the malformed pictures in turn, for ever, in an order of this client's own."""
    heavy = list(heaviest_pictures().values())
    random.Random(seed).shuffle(heavy)
    malformed = [data for _, data in malformed_pictures(100, seed)]
    return itertools.cycle(itertools.chain.from_iterable(zip(itertools.cycle(heavy), malformed, strict=False)))


def besiege(site: Site, token: str, dataset: int, seed: int, until: float, statuses: Counter[int]) -> None:
    headers = {"Authorization": f"Token {token}"}
    with httpx.Client(base_url=site.address, headers=headers, timeout=120, trust_env=False) as client:
        for data in worst(seed):
            if time.monotonic() > until:
                return
            files = {"file": ("x.png", data)}
            statuses[client.post("/api/v1/searches/", data={"datasets": dataset}, files=files).status_code] += 1


def seconds_of_a_page(site: Site, path: str) -> float:
    began = time.monotonic()
    assert httpx.get(f"{site.address}{path}", timeout=60, trust_env=False).status_code == 200
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("seconds", "patience"),
    [(6, 10.0), pytest.param(120, 2.0, marks=pytest.mark.full)],  # the first on a machine that does other things
)
def test_the_worst_pictures_neither_kill_the_site_nor_stop_its_pages(
    live: Live, world: World, seconds: float, patience: float
) -> None:
    heaviest_pictures()  # made before the time runs
    tokens = [services.create_token(person(f"m{number}", "member"), "siege")[1] for number in range(CLIENTS)]
    live.env["KINDRED_DECODES"] = "1"  # what docs/settings.md says of a server with 1 GB
    site = Site(live)
    watch, statuses = Watch(site.server.pid), Counter[int]()
    watch.start()
    until = time.monotonic() + seconds
    clients = [
        threading.Thread(target=besiege, args=(site, token, world.dataset.pk, seed, until, statuses))
        for seed, token in enumerate(tokens)
    ]
    for client in clients:
        client.start()
    pages = []
    for path in itertools.cycle(("/leaderboard/", "/accounts/login/", "/")):
        if time.monotonic() > until:
            break
        pages.append(seconds_of_a_page(site, path))
        time.sleep(0.2)
    for client in clients:
        client.join(120)
    watch.over.set()
    print(f"peak {watch.peak:.0f} MB, slowest page {max(pages):.2f} s of {len(pages)}, answers {dict(statuses)}")  # noqa: T201
    assert watch.first <= watch.processes() and site.answers(), "no process died"
    assert watch.peak <= MEGABYTES and set(statuses) <= ANSWERS and statuses[201] + statuses[503] > 0
    assert max(pages) < patience
