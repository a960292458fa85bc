"""Parallel test runs: as many processes as there are processors, each with a cache of its own, which tests empty.

A plugin and not a conftest, because it has to come before Django reads its settings.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

QUOTA = Path("/sys/fs/cgroup/cpu.max")
MOST = 8

FIRST_OF_WORKERS = 8  # Redis has 16 databases; those below are the queue's and those of single runs

worker, address = os.environ.get("PYTEST_XDIST_WORKER", ""), urlsplit(os.environ.get("CACHE_URL", ""))
if worker and address.scheme.startswith("redis"):
    number = FIRST_OF_WORKERS + int(worker.removeprefix("gw"))
    os.environ["CACHE_URL"] = urlunsplit(address._replace(path=f"/{number}"))


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes `-n auto` starts: a container may use fewer processors than it sees."""
    seen = len(os.sched_getaffinity(0))
    quota, period = QUOTA.read_text().split() if QUOTA.is_file() else ("max", "1")
    allowed = seen if quota == "max" else max(1, int(quota) // int(period))
    return min(seen, allowed, MOST)
