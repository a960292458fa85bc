"""Give every process of a parallel test run a cache of its own: each test empties it.

A plugin and not a conftest, because it has to come before Django reads its settings.
"""

import os
from urllib.parse import urlsplit, urlunsplit

FIRST_OF_WORKERS = 8  # Redis has 16 databases; those below are the queue's and those of single runs

worker, address = os.environ.get("PYTEST_XDIST_WORKER", ""), urlsplit(os.environ.get("CACHE_URL", ""))
if worker and address.scheme.startswith("redis"):
    number = FIRST_OF_WORKERS + int(worker.removeprefix("gw"))
    os.environ["CACHE_URL"] = urlunsplit(address._replace(path=f"/{number}"))
