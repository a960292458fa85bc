"""Heartbeats and messages are timed by the database: the clocks of hosts differ."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from jobs import services, sweeper
from jobs.database_time import database_now
from jobs.models import Job

pytestmark = [pytest.mark.django_db, pytest.mark.services]
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("error", [-HOUR, HOUR])
def test_a_host_whose_clock_is_wrong_keeps_its_jobs(
    error: timedelta, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    job = Job.objects.create(kind="test.echo")
    now = database_now()
    with monkeypatch.context() as host:
        host.setattr(timezone, "now", lambda: datetime.now(UTC) + error)
        context = services.claim(job.pk)
        assert context is not None
        context.beat()
    sweeper.take_back(now)
    job.refresh_from_db()
    assert job.state == "running" and job.heartbeat_at is not None
    assert abs(job.heartbeat_at - now) < HOUR / 2
    sweeper.take_back(now + timedelta(seconds=settings.JOB_STALE_SECONDS) + HOUR / 2)
    job.refresh_from_db()
    assert job.state == "queued", "a silent worker loses it all the same"
