"""Checks of this machine's clock against the database, the storage and the newest rows."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
from django.conf import settings
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from jobs.models import Job
from operations.models import Process
from operations.services.doctor.findings import Check, Finding, failure, ok, warning

LITTLE_SECONDS, HTTP_SECONDS = 5.0, 5.0
"""Clocks that differ by more are told; a date of HTTP has whole seconds."""
FUTURE = timedelta(seconds=60)
ZONES = ("UTC", "Europe/Berlin", "America/New_York")
SYNCHRONISE = "Synchronise the clocks of both machines: `timedatectl set-ntp true`."


def clocks() -> Iterator[Finding]:
    """Compare this machine's clock with those of the database's server and of the storage."""
    differences = {"the database": _of_database(), "the storage": _of_storage()}
    known = {name: seconds for name, seconds in differences.items() if seconds is not None}
    for name, seconds in known.items():
        seen = f"This machine's clock is {abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} {name}'s."
        if abs(seconds) >= settings.JOB_STALE_SECONDS:
            yield failure(f"{seen} Running jobs are taken for lost, or lost ones for running.", SYNCHRONISE)
        elif abs(seconds) >= LITTLE_SECONDS:
            yield warning(seen, SYNCHRONISE)
        else:
            yield ok(f"This machine's clock agrees with {name}'s.")
    if not known:
        yield ok(f"Everything is on this machine, whose clock says {timezone.now():%Y-%m-%d %H:%M} UTC.")


def _of_database() -> float | None:
    """Return by how many seconds this machine is ahead; None where the database is a file of it."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        there = float(cursor.fetchone()[0])
    return (before + time.time()) / 2 - there


def _of_storage() -> float | None:
    """Return by how many seconds this machine is ahead of an endpoint's; None where there is none that says."""
    endpoint = parse_qs(urlsplit(settings.STORAGE_URL).query).get("endpoint", [""])[-1]
    if not endpoint:
        return None
    try:
        answer = httpx.head(endpoint, timeout=HTTP_SECONDS)
        there = parsedate_to_datetime(answer.headers["Date"])
    except (httpx.HTTPError, KeyError, ValueError):
        return None  # `storage` says that it is away
    return time.time() - there.timestamp()


def rows() -> Iterator[Finding]:
    """Look for rows from the future: they were written by a host whose clock is wrong, or this one's is."""
    moments = Job.objects.aggregate(*(Max(name) for name in ("created_at", "sent_at", "heartbeat_at")))
    moments |= Process.objects.aggregate(Max("seen_at"))
    newest = max((moment for moment in moments.values() if moment), default=datetime.min.replace(tzinfo=UTC))
    ahead = newest - timezone.now()
    if ahead > FUTURE:
        seen = f"The newest row of jobs and processes is {ahead.total_seconds():,.0f} s in the future by this clock."
        yield failure(seen, "Synchronise the clocks of all hosts of the site: `timedatectl set-ntp true`.")
    else:
        yield ok("No row of jobs and processes is from the future.")


def zones() -> Iterator[Finding]:
    """Look for the database of time zones."""
    for name in {settings.TIME_ZONE, *ZONES}:
        try:
            ZoneInfo(name)
        except ZoneInfoNotFoundError:
            do = "Run `apt-get install tzdata`, or `pip install tzdata`."
            yield failure(f"This machine has no time zone {name}.", do)
            return
    yield ok("The time zones are there.")


CHECKS = (
    Check("clocks", "clock", clocks, ("database",)),
    Check("rows", "clock", rows, ("migrations",)),
    Check("zones", "clock", zones),
)
