"""Planted faults of files, indexes and jobs."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from backups.services.site import mark_unfinished
from jobs.models import Job
from operations.models import Process
from retrieval.models import Dataset
from tests.operations.doctor.doctoring import Doctor
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


def process(role: str, *queues: str, silent: timedelta = timedelta(0), **versions: str) -> Process:
    """Create the row of a process that was last seen so long ago."""
    seen_at = timezone.now() - silent
    values = {"host": "one", "pid": 12, "versions": {"kindred": "1", **versions}}
    return Process.objects.create(role=role, queues=queues, started_at=seen_at, seen_at=seen_at, **values)


@pytest.fixture
def running(healthy: Doctor) -> Doctor:
    """Let beat run, and a worker that hears one queue."""
    process("beat")
    process("worker", "work")
    return healthy.found_healthy()


def test_a_queue_that_no_worker_hears(running: Doctor) -> None:
    job(queue="train", created_at=timezone.now() - timedelta(minutes=3))
    running.names(
        "queues", "1 job waits in the queue train", "no worker hears it", do="manage.py worker --queues train"
    )


def test_a_worker_that_takes_no_job(running: Doctor) -> None:
    lost = job(queue="work", created_at=timezone.now() - timedelta(minutes=3))
    assert running.new() == [], "it may be on its way"
    Job.objects.filter(pk=lost.pk).update(created_at=timezone.now() - timedelta(minutes=20))
    running.names("queues", "its workers run nothing", do="CELERY_BROKER_URL")


def test_a_queue_whose_worker_is_busy_waits_its_turn(running: Doctor) -> None:
    job(queue="train", created_at=timezone.now() - timedelta(hours=2))
    job(queue="train", state="running", attempt=1, heartbeat_at=timezone.now())
    assert running.new() == []


def test_a_job_whose_worker_died(running: Doctor, settings: Settings) -> None:
    settings.JOB_STALE_SECONDS = 30
    dead = job(state="running", attempt=1, heartbeat_at=timezone.now() - timedelta(seconds=60))
    running.names("heartbeats", f"Job {dead.pk} ", "worker is silent", do="manage.py worker --queues work")


def test_a_process_that_was_killed(running: Doctor) -> None:
    process("encoder", silent=timedelta(hours=2))
    running.names("processes", "encoder 12 on one", "did not end in order", do="dmesg", level="warning")


def test_a_process_of_another_release(running: Doctor) -> None:
    process("web", kindred="2")
    running.names("processes", "several releases: 1, 2", do="Restart", level="warning")


def test_beat_that_died(running: Doctor, settings: Settings) -> None:
    settings.JOB_SWEEP_SECONDS = 10
    Process.objects.filter(role="beat").update(seen_at=timezone.now() - timedelta(minutes=5))
    running.names("beat", "Beat does not run", do="celery -A config beat")


def test_beat_that_was_never_started(running: Doctor) -> None:
    Process.objects.filter(role="beat").delete()
    running.names("beat", "Beat does not run", do="celery -A config beat")


def test_jobs_that_failed(healthy: Doctor) -> None:
    now = timezone.now()
    for number in range(3):
        job(state="failed", finished_at=now, error="the disk is full\nmore of it" if number else "out of memory")
    job(state="failed", finished_at=now - timedelta(days=2), error="long ago")
    healthy.names("failures", "3 jobs failed", "Most often (2)", "the disk is full.", do="retry", level="warning")
