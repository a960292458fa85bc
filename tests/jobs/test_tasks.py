import re
from datetime import timedelta
from pathlib import Path

import pytest
from celery.signals import worker_shutting_down
from django.conf import settings
from django.utils import timezone

from config.celery import QUEUES, app, queue_named
from jobs import sweeper, tasks
from jobs.context import worker_is_stopping
from jobs.models import Job
from jobs.tasks import InProcessScheduler
from tests.jobs.conftest import nothing, queued

pytestmark = pytest.mark.services


@pytest.mark.django_db
def test_the_task_does_the_job_of_its_id() -> None:
    job = queued(nothing)
    tasks.run(job.pk)
    job.refresh_from_db()
    assert job.state == "succeeded"


def test_a_worker_told_to_shut_down_asks_its_job_to_stop() -> None:
    assert not worker_is_stopping()
    worker_shutting_down.send(sender="work@host", sig="SIGTERM", how="Warm", exitcode=0)
    assert worker_is_stopping()


@pytest.mark.django_db(transaction=True)
def test_beat_sweeps_in_its_own_process(sent: list[int]) -> None:
    job = Job.objects.create(kind="kind")
    beat = InProcessScheduler(app)
    entry = beat.schedule["sweep"]
    beat.apply_entry(entry)
    assert sent == [job.pk]


@pytest.mark.django_db(transaction=True)
def test_a_sweep_that_fails_does_not_end_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(now: object) -> None:
        raise RuntimeError("no database")

    monkeypatch.setattr(sweeper, "sweep", broken)
    beat = InProcessScheduler(app)
    beat.apply_entry(beat.schedule["sweep"])


def test_beat_sweeps_on_though_its_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    swept, monotonic = [], [1000.0]
    monkeypatch.setattr(tasks.sweep, "run", lambda: swept.append(monotonic[0]))
    monkeypatch.setattr("jobs.tasks.time.monotonic", lambda: monotonic[0])
    beat = InProcessScheduler(app)
    assert list(beat.schedule) == ["sweep"]
    every = beat.schedule["sweep"].schedule.seconds
    assert beat.tick() == every and swept == [], "a site that starts is not swept at once"
    for hours in (0, -1, 1):
        monkeypatch.setattr(app, "now", lambda hours=hours: timezone.now() + timedelta(hours=hours))
        monotonic[0] += every
        assert beat.tick() == every
        assert beat.tick() == every
    assert swept == [1000 + every, 1000 + 2 * every, 1000 + 3 * every]


def test_each_queue_has_a_worker_in_the_procfile() -> None:
    lines = (Path(settings.BASE_DIR) / "Procfile").read_text().splitlines()
    for name in QUEUES:
        assert any(re.search(rf"manage.py worker --queues \S*\b{name}\b", line) for line in lines), name


def test_an_unknown_queue_is_refused() -> None:
    with pytest.raises(ValueError, match="no queue named 'gpu'; known: work, index, train"):
        queue_named("gpu", "")
