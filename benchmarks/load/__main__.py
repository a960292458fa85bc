"""Many people at once at a real site, while its indexes are exchanged, its workers end and a backup is made.

python -m benchmarks.load    50 clients for ten minutes; `make load` on PostgreSQL and Redis

The site runs as the Procfile says, in a temporary folder. With DATABASE_URL, CACHE_URL and CELERY_BROKER_URL it has a
database, a cache and queues of its own on those servers, removed at the end; without them it takes what is embedded.
The exit status is 1 after a request that failed, or where something that the site had accepted is lost.
"""

import argparse
import asyncio
import contextlib
import json
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.load import reporting
from benchmarks.load.events import Events
from benchmarks.load.invariants import broken
from benchmarks.load.judging import Journal
from benchmarks.load.mix import Pace, run_clients
from benchmarks.load.services import DELETE_QUEUES, SERVERS, base_environment, own_services
from benchmarks.load.site import FULL, QUICK, LoadSite, make_people, make_site, manage
from benchmarks.load.stack import Stack

MEMORY_EVERY = 5.0  # seconds between two looks at the memory
LONGEST_ARRIVALS = 30.0  # seconds over which the clients come: nobody signs in 35 times at once
QUICK_THINK = (0.2, 1.0)
QUICK_JOBS = {
    "JOB_HEARTBEAT_SECONDS": "0.5",
    "JOB_STALE_SECONDS": "5",
    "JOB_RESEND_SECONDS": "3",
    "JOB_SWEEP_SECONDS": "0.5",
}  # a killed worker is noticed in seconds


def main() -> int:
    """Make a site, load it, and say what came of it."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="load-") as folder, own_services() as services:
        var = Path(folder) / "site"
        var.mkdir()
        environment = {**base_environment(var), **services, **(QUICK_JOBS if options.quick else {})}
        if not options.quick:
            environment["KINDRED_COLLECTED_STATIC"] = "true"
        figures, invariants = _measured(environment, var, Path(folder) / "backup", options)
    print(reporting.text(figures, invariants))
    if options.json:
        options.json.write_text(json.dumps({**figures, "broken": invariants}, indent=1))
    failed = bool(invariants or figures["all"]["failures"])
    if options.page and not failed:
        reporting.write_page(options.page, figures)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50, help="people at once (default: 50)")
    parser.add_argument("--seconds", type=float, default=600, help="how long (default: 600)")
    parser.add_argument("--quick", action="store_true", help="a tiny site and short pauses: shows that it runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table into that document, if all held")
    options = parser.parse_args()
    if options.clients < 1 or options.seconds <= 0:
        parser.error("--clients and --seconds must be positive")
    return options


def _measured(
    environment: dict[str, str], var: Path, backup: Path, options: argparse.Namespace
) -> tuple[reporting.Figures, list[str]]:
    size = QUICK if options.quick else FULL
    people = make_people(environment, options.clients)
    if not options.quick:
        manage(environment, "collectstatic", "--noinput", "-v0")
    stack = Stack(environment, var)
    try:
        stack.start_all(people[0].token)
        site = make_site(stack, environment, var, people, size)
        print(f"{len(site.models)} models are indexed; {options.clients} clients come now", flush=True)
        journal = Journal()
        events = Events(site, journal, backup)
        before = stack.memory()
        seconds = asyncio.run(_load(site, journal, events, options))
        invariants = broken(site, journal, events)
        after, most = stack.memory(), stack.most_memory
    finally:
        stack.stop_all()
        if "CELERY_BROKER_URL" in environment:
            manage(environment, "shell", "-c", DELETE_QUEUES)
    species, each, pixels = size.pictures
    about = {
        "clients": options.clients,
        "seconds": seconds,
        "services": _services(environment),
        "site": f"{species * each:,} pictures of {pixels} px, {len(site.models)} models with indexes",
    }
    memory = {name: {"start": before[name], "most": most[name], "end": after[name]} for name in before}
    return reporting.figures_of(journal, events, about, memory), invariants


def _services(environment: dict[str, str]) -> str:
    """Name the services by their kind: an address could hold a password."""
    kinds = dict.fromkeys(urlsplit(environment[name]).scheme for name in SERVERS if name in environment)
    return ", ".join(kinds) or "embedded"


async def _load(site: LoadSite, journal: Journal, events: Events, options: argparse.Namespace) -> float:
    """Let clients and events go on together; return how many seconds the clients took."""
    over, stop = asyncio.Event(), threading.Event()
    began = time.monotonic()
    arrivals = min(LONGEST_ARRIVALS, options.seconds / 4)
    pace = Pace(arrivals, QUICK_THINK) if options.quick else Pace(arrivals)
    clients = asyncio.create_task(run_clients(site, journal, pace, over))
    schedule = asyncio.create_task(asyncio.to_thread(events.run, options.seconds, stop))
    watch = asyncio.create_task(_watch(site))
    try:
        await asyncio.wait([clients, schedule], timeout=options.seconds, return_when=asyncio.FIRST_EXCEPTION)
        if not clients.done():
            await asyncio.wait([clients, schedule], return_when=asyncio.FIRST_COMPLETED)
    finally:
        over.set()
        stop.set()
        await asyncio.gather(clients, schedule)
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
    return time.monotonic() - began


async def _watch(site: LoadSite) -> None:
    while True:
        await asyncio.to_thread(site.stack.memory)
        await asyncio.sleep(MEMORY_EVERY)


if __name__ == "__main__":
    raise SystemExit(main())
