"""Do faults to a real site: `python -m tests.faults kill-web`, `--list`, or `all`.

Each is a test; the rest of the command line goes to pytest. PostgreSQL, Redis and, by CELERY_BROKER_URL, RabbitMQ
are those of this machine; the database and the queues are made for the run and removed afterwards.
"""

import os
import sys

import pytest

from tests.faults.table import FAULTS

DEFAULTS = {
    "DATABASE_URL": "postgres://postgres@127.0.0.1:5432/kindred_faults",  # the tests' own is named test_kindred_faults
    "CELERY_BROKER_URL": "redis://127.0.0.1:6379/6",
    "CACHE_URL": "redis://127.0.0.1:6379/7",
}
WIDTH = 20


def main(words: list[str]) -> int:
    """Run the named faults; return the exit status."""
    names = [word for word in words if not word.startswith("-")]
    options = [word for word in words if word.startswith("-") and word not in ("--list", "--quick")]
    if "--list" in words or not (names or "--quick" in words):
        print("\n".join(f"{name:{WIDTH}} {fault.done}" for name, fault in FAULTS.items()))  # noqa: T201
        return 0
    if "--quick" in words:
        names = [fault.name for fault in FAULTS.values() if fault.is_quick]
    if names == ["all"]:
        names = list(FAULTS)
    unknown = sorted(set(names) - set(FAULTS))
    if unknown:
        print(f"no fault named {', '.join(unknown)}; known: {', '.join(FAULTS)}", file=sys.stderr)  # noqa: T201
        return 2
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    tests = [f"tests/faults/test_faults.py::test_fault[{name}]" for name in names]
    return int(pytest.main(["-q", "-m", "faults", *options, *tests]))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
