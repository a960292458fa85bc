"""A small world to test in: one data set of drawn wings, two trained models, their indexes.

The real services make it once a session, in a transaction that is rolled back: the files stay. Each test
that asks for `world` gets the rows, with the same keys, and links to the files in a media folder of its own.
Whoever damages a file does it with `replaced`, which leaves the session's own alone.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.test import override_settings
from pytest_django import DjangoDbBlocker, Settings

from accounts.models import User
from jobs import services as jobs
from jobs.models import Job
from retrieval.datasets.services.changed_pictures import mark_changed
from retrieval.datasets.services.importing import submit_import
from retrieval.experiments.services.options import make_protocol
from retrieval.experiments.services.starting import start_experiment
from retrieval.models import Dataset, DatasetClass, Experiment, Image, Index, Model, Run
from retrieval.registry.services import external_encoders as encoders
from retrieval.registry.services.indexes import submit_index
from retrieval.search.services import model_cache
from retrieval.search.services.run_search import run_search

WINGS = "wings:species=8,per_class=6,size=32"
SMALL = {"short_side": 32, "crop": 32, "batch_size": 16, "dim": 16}
LOSSES = ("soft_triple", "multi_similarity")
KINDS: tuple[type[models.Model], ...] = (Job, Dataset, DatasetClass, Image, Experiment, Run, Model, Index)


@dataclass(frozen=True)
class Trained:
    """What the session keeps: the folder of files, and the fields of every row, in an order that can be inserted."""

    var: Path
    rows: dict[type[models.Model], list[dict[str, Any]]]

    @property
    def media(self) -> Path:
        return self.var / "media"


@dataclass(frozen=True)
class World:
    """What a test has before it."""

    dataset: Dataset
    models: list[Model]

    @property
    def train_images(self) -> list[Image]:
        return list(self.dataset.images.filter(split="train").named())

    @property
    def test_images(self) -> list[Image]:
        return list(self.dataset.images.filter(split="test").named())

    def part(self) -> None:
        """Make every third held-out picture a query and the others their gallery."""
        keys = [image.pk for image in self.test_images]
        self.dataset.images.filter(pk__in=keys).update(split="gallery")
        self.dataset.images.filter(pk__in=keys[::3]).update(split="query")
        self.dataset.report["query_images"] = len(keys[::3])
        self.dataset.revision += 1  # as of every change of pictures: searches correct their index by it
        self.dataset.save(update_fields=["report", "revision"])
        mark_changed(keys, self.dataset.revision)

    def another(self, *models: Model) -> Dataset:
        """Import a second, smaller set, and let the models, by default the first, have an index of it."""
        dataset = submit_import(name="Moths", by=None, source="wings:species=3,per_class=4,size=32,seed=7")
        done(dataset.job)
        dataset.refresh_from_db()
        for model in models or self.models[:1]:
            done(submit_index(model, dataset, by=None))
        return dataset

    def index_of(self, model: Model) -> Index:
        return Index.objects.get(model=model, dataset=self.dataset, active=True)

    def ask(self, by: User, **changes: Any) -> Any:
        """Ask both models for the kin of the first held-out picture, unless told otherwise."""
        values: dict[str, Any] = {"datasets": [self.dataset], "models": self.models, "k": 3, "by": by}
        if not {"upload", "like"} & changes.keys():
            values["image"] = self.test_images[0]
        return run_search(**values | changes)


def places(var: Path) -> dict[str, Path]:
    """Return the settings that say where files lie."""
    return {
        "VAR_DIR": var,
        "MEDIA_ROOT": var / "media",
        "CACHE_DIR": var / "cache",
        "WEIGHTS_DIR": var / "weights",
    }


def done(job: Job | None) -> Job:
    """Do a queued job in this process, and see that it succeeds."""
    assert job is not None
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    return job


def failed(job: Job | None) -> str:
    """Do a queued job that cannot succeed; return what it tells its owner."""
    assert job is not None
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "failed", job.result
    return job.error


def started(dataset: Dataset, losses: tuple[str, ...] = LOSSES, epochs: int = 1, **values: Any) -> Experiment:
    """Start a small experiment; its runs are queued."""
    protocol = make_protocol("demo", {**SMALL, "epochs": epochs}, "")
    return start_experiment(
        **{
            "name": "Small",
            "dataset": dataset,
            "protocol": protocol,
            "losses": losses,
            "publish": True,
            "by": None,
            **values,
        }
    )


def replaced(file: Path, data: bytes) -> None:
    """Give a file other bytes; its other names keep the old ones."""
    file.unlink()
    file.write_bytes(data)


@pytest.fixture(scope="session")
def trained(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    """Import, train and index once."""
    var = tmp_path_factory.mktemp("trained")
    # A transaction holds SQLite's write lock, so no heartbeat may want it meanwhile.
    with django_db_blocker.unblock(), override_settings(**places(var), JOB_HEARTBEAT_SECONDS=3600):
        return _make(var)


def _make(var: Path) -> Trained:
    with transaction.atomic():
        dataset = submit_import(name="Wings", by=None, source=WINGS, public=True)
        done(dataset.job)
        dataset.refresh_from_db()
        for run in started(dataset).runs.all():
            done(Job.objects.get(pk=done(run.job).result["index_job"]))
        rows = {kind: [_fields(row) for row in kind._default_manager.order_by("pk")] for kind in KINDS}
        transaction.set_rollback(True)
    return Trained(var, rows)


def _fields(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.fixture
def world(trained: Trained, db: None, own_surroundings: None, settings: Settings) -> Iterator[World]:
    """Put the rows and links to the files in place."""
    shutil.copytree(trained.media, settings.MEDIA_ROOT, copy_function=os.link, dirs_exist_ok=True)
    for trunk in (trained.var / "cache").glob("trunk-*"):  # exported once for all tests
        shutil.copytree(trunk, settings.CACHE_DIR / trunk.name, copy_function=os.link, dirs_exist_ok=True)
    for kind, rows in trained.rows.items():
        kind._default_manager.bulk_create([kind(**row) for row in rows])
    with connection.cursor() as cursor:  # PostgreSQL's counters know nothing of keys that were given
        for statement in connection.ops.sequence_reset_sql(no_style(), list(KINDS)):
            cursor.execute(statement)
    _forget_indexes()
    yield World(Dataset.objects.get(), list(Model.objects.order_by("pk")))
    _forget_indexes()


def _forget_indexes() -> None:
    """Let indexes go, whose keys a rolled back test uses again; the two models are always the same."""
    for key in [key for key in model_cache.cache._held if key[0] == "index"]:
        del model_cache.cache._held[key]


@contextmanager
def full_queue() -> Iterator[None]:
    """Leave no place in the queue of the engine during the block."""
    with override_settings(ENGINE_QUEUE=1), model_cache.queue.turn():
        yield


@pytest.fixture
def fresh_engine() -> Iterator[None]:
    """Hold nothing in memory, as a process that has just started; nor afterwards."""
    model_cache.cache.clear()
    yield
    model_cache.cache.clear()
    encoders.pool.close()
