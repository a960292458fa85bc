"""Planted faults of files, indexes and jobs."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from backups.services.site import mark_unfinished
from jobs.models import IdempotentRequest, Job
from retrieval.models import Dataset
from tests.operations.doctoring import Doctor
from tests.retrieval.world import World, replaced


@pytest.fixture
def filled(healthy: Doctor, world: World, settings: Settings) -> Doctor:
    """Let the healthy site have a data set, two published models and their indexes."""
    for folder in (settings.MEDIA_ROOT, settings.CACHE_DIR):
        Path(folder).chmod(0o700)
    return healthy.found_healthy()


# --- files


def test_an_index_whose_file_is_missing(filled: Doctor, world: World) -> None:
    index = world.index_of(world.models[0])
    (index.folder / "vectors.npy").unlink()
    filled.names("indexes", f"Index {index.pk} ", "vectors.npy is missing", do="manage.py verify")


def test_an_index_whose_file_is_cut_short(filled: Doctor, world: World) -> None:
    file = world.index_of(world.models[0]).folder / "index.bin"
    replaced(file, file.read_bytes()[:-7])
    filled.names("indexes", "index.bin has", "bytes, not", do="Build the index anew")


def test_an_index_with_a_changed_byte(filled: Doctor, world: World) -> None:
    file = world.index_of(world.models[0]).folder / "index.bin"
    data = file.read_bytes()
    replaced(file, data[:-1] + bytes([data[-1] ^ 1]))
    filled.names("indexes", "index.bin is damaged", do="Build the index anew")


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99}'])
def test_a_damaged_manifest(filled: Doctor, world: World, text: str) -> None:
    index = world.index_of(world.models[0])
    replaced(index.folder / "manifest.json", text.encode())
    filled.names("indexes", f"Index {index.pk} ", "manifest.json cannot be read", do="Build the index anew")


def test_the_manifest_of_another_index(filled: Doctor, world: World) -> None:
    first, second = (world.index_of(model).folder / "manifest.json" for model in world.models)
    replaced(first, second.read_bytes())
    filled.names("indexes", "manifest.json is of another index", do="Build the index anew")


def test_a_model_whose_file_is_missing(filled: Doctor, world: World) -> None:
    model = world.models[1]
    (model.folder / "model.json").unlink()
    filled.names("models", f"({model.name})", "model.json is missing", do="Restore its files from a backup")


def test_a_published_model_without_an_index(filled: Doctor, world: World) -> None:
    world.models[0].indexes.update(active=False)
    filled.names("models", world.models[0].name, "no active index", do="Build an index", level="warning")


def test_a_data_set_that_nobody_can_search(filled: Doctor) -> None:
    Dataset.objects.create(name="Moths", slug="moths", source="wings", revision=1)
    filled.names("datasets", "Moths", do="Build an index", level="warning")


def test_a_restore_that_was_cut_short(healthy: Doctor) -> None:
    mark_unfinished(Path("/backups/monday"))
    healthy.names("restore", "/backups/monday was cut short", do="manage.py restore FOLDER --force")


# --- jobs


def job(**values: object) -> Job:
    """Create a job; times are those of now unless given."""
    created_at = values.pop("created_at", None)
    row = Job.objects.create(**{"kind": "index", **values})
    if created_at:
        Job.objects.filter(pk=row.pk).update(created_at=created_at)
    return row


def test_a_queue_without_a_worker(healthy: Doctor) -> None:
    now = timezone.now()
    job(queue="train", created_at=now - timedelta(minutes=20), sent_at=now - timedelta(minutes=1))
    healthy.names("queues", "1 jobs wait in the queue train", do="Start a worker")


def test_a_queue_whose_worker_is_busy_waits_its_turn(healthy: Doctor) -> None:
    now = timezone.now()
    job(queue="train", created_at=now - timedelta(minutes=20), sent_at=now - timedelta(minutes=1))
    job(queue="train", state="running", attempt=1, heartbeat_at=now)
    assert healthy.new() == []


def test_a_job_whose_worker_died(healthy: Doctor, settings: Settings) -> None:
    settings.JOB_STALE_SECONDS, settings.JOB_SWEEP_SECONDS = 30, 3600
    dead = job(state="running", attempt=1, heartbeat_at=timezone.now() - timedelta(seconds=60))
    healthy.names("heartbeats", f"Job {dead.pk} ", "worker is silent", do="Start a worker")


def test_beat_that_takes_no_job_back(healthy: Doctor, settings: Settings) -> None:
    settings.JOB_STALE_SECONDS, settings.JOB_SWEEP_SECONDS = 30, 10
    dead = job(state="running", attempt=1, heartbeat_at=timezone.now() - timedelta(hours=2))
    found = {row["check"]: row for row in healthy.new()}
    assert set(found) == {"heartbeats", "beat"}  # the worker died, and nobody noticed
    assert f"job {dead.pk} was not taken" in found["beat"]["seen"] and "celery -A config beat" in found["beat"]["do"]


@pytest.mark.parametrize("sent", [None, timedelta(minutes=15)])
def test_beat_that_sends_nothing_again(healthy: Doctor, settings: Settings, sent: timedelta | None) -> None:
    settings.JOB_SWEEP_SECONDS = 10
    now = timezone.now()
    job(state="running", attempt=1, heartbeat_at=now)  # the worker is well
    lost = job(created_at=now - timedelta(minutes=16), sent_at=sent and now - sent)
    healthy.names("beat", f"job {lost.pk} was not sent to the queue work", do="celery -A config beat")


def test_beat_that_deletes_nothing(healthy: Doctor, member: User) -> None:
    old = IdempotentRequest.objects.create(who=member, key="one", request_hash="1")
    IdempotentRequest.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=9))
    healthy.names("beat", "requests older than 7 days", do="celery -A config beat")


def test_jobs_that_failed(healthy: Doctor) -> None:
    now = timezone.now()
    for number in range(3):
        job(state="failed", finished_at=now, error="the disk is full\nmore of it" if number else "out of memory")
    job(state="failed", finished_at=now - timedelta(days=2), error="long ago")
    healthy.names("failures", "3 jobs failed", "Most often (2)", "the disk is full.", do="retry", level="warning")
