"""Processes of the site note that they are there."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from celery.signals import beat_init
from django.db import DatabaseError
from django.utils import timezone

from config.machine import this_machine
from jobs.sweeper import sweep
from operations.models import Process
from operations.services import processes
from operations.services.processes import NOTE_SECONDS, Presence

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_a_process_is_there_until_it_is_silent() -> None:
    presence, now = Presence("worker", ["train"]), timezone.now()
    presence.note()
    [row] = processes.running(now)
    assert (row.host, row.queues, row.versions) == (this_machine()["host"], ["train"], this_machine()["versions"])
    later = now + timedelta(seconds=5 * NOTE_SECONDS)
    assert not processes.running(later) and list(processes.silent(later)) == [row]
    presence.note()
    assert Process.objects.count() == 1
    Process.objects.all().delete()
    presence.note()
    assert Process.objects.count() == 1, "a row that was removed is made anew"
    presence.end()
    presence.note()
    assert not Process.objects.exists(), "the thread may be in the middle of a note"


def test_who_was_silent_for_a_day_is_forgotten() -> None:
    now = timezone.now()
    gone, late = Presence("web"), Presence("beat")
    gone.note()
    late.note()
    Process.objects.filter(pk=gone._row.pk).update(seen_at=now - timedelta(days=1, seconds=1))
    Process.objects.filter(pk=late._row.pk).update(seen_at=now - timedelta(hours=23))
    sweep(now)
    assert [row.role for row in Process.objects.all()] == ["beat"]


def test_beat_begins_as_the_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(processes, "begin", lambda *words: begun.append(words))
    beat_init.send(sender=None)
    assert begun == [("beat", ())]


def test_a_database_that_is_away_ends_no_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("locked")

    monkeypatch.setattr(Process, "save", away)
    with caplog.at_level(logging.WARNING):
        Presence("web").note()
    assert "could not be noted: locked" in caplog.text
