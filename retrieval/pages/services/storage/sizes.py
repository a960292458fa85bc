"""Used space by kind of file, measured at most once a minute."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.core.cache import cache
from django.utils import timezone

from config import places
from jobs import scratch
from retrieval.datasets.services.pictures import RENDITIONS
from retrieval.models import Dataset, Index, Model
from retrieval.models.upload import UPLOADS
from storage.folder import bytes_below
from storage.store import store

KEPT_SECONDS = 60
CACHE_KEY = "disk-usage"


@dataclass(frozen=True)
class Part:
    """Files of one row or folder, with their size."""

    name: str
    bytes: int
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Parts of one kind, the largest first."""

    title: str
    meaning: str
    parts: list[Part]

    @property
    def bytes(self) -> int:
        """All of them together."""
        return sum(part.bytes for part in self.parts)


@dataclass(frozen=True)
class Usage:
    """Used and free space, and when it was measured."""

    groups: list[Group]
    free: int
    total: int
    measured_at: datetime

    @property
    def bytes(self) -> int:
        """All groups together."""
        return sum(group.bytes for group in self.groups)


def usage(*, fresh: bool = False) -> Usage:
    """Return the used space, as of the last minute; `fresh` measures again."""
    measured: Usage | None = None if fresh else cache.get(CACHE_KEY)
    if measured is None:
        measured = _measured()
        cache.set(CACHE_KEY, measured, KEPT_SECONDS)
    return measured


def _measured() -> Usage:
    groups = [
        Group("Data sets", "Pictures as imported.", _largest(_datasets())),
        Group("Models", "Weights, embeddings and metrics of each run and external model.", _largest(_models())),
        Group("Indexes", "Active and older indexes.", _largest(_indexes())),
        Group(
            "Thumbnails",
            "Thumbnails and JPEG copies; created again when needed.",
            _largest([_part(name, name) for name in RENDITIONS]),
        ),
        Group(
            "Searches",
            "Uploaded query pictures.",
            _largest([_part("query pictures", "searches")]),
        ),
        Group(
            "Reports and maps",
            "Reports of experiments, maps of indexes.",
            _largest([_part(name, name) for name in ("reports", "maps")]),
        ),
        Group(
            "Uploads",
            "Uploads of queued jobs, and of failed jobs until a retry.",
            _largest([_part(_name(found.key), found.key) for found in store().below(UPLOADS)]),
        ),
        Group(
            "Caches",
            "Decoded pictures and features; created again when needed.",
            _largest(_children(places.cache())),
        ),
        Group("Work in progress", "Checkpoints and scratch folders of jobs.", _largest(_children(scratch.root()))),
        *_copies(),
    ]
    disk = shutil.disk_usage(places.var())
    return Usage([group for group in groups if group.parts], disk.free, disk.total, timezone.now())


def _copies() -> list[Group]:
    """Return what this host has copies of, where the storage is elsewhere."""
    if not store().is_shared:
        return []
    kept = [*_children(places.media()), *_children(places.weights())]
    return [Group("Copies on this host", "Of what is in the storage; fetched again when needed.", _largest(kept))]


def _part(name: str, key: str, note: str = "") -> Part:
    return Part(name, store().measure(key).bytes, note)


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _largest(parts: list[Part]) -> list[Part]:
    return sorted((part for part in parts if part.bytes), key=lambda part: -part.bytes)


def _children(folder: Path) -> list[Part]:
    return [Part(child.name, bytes_below(child)) for child in folder.glob("*")]


def _datasets() -> list[Part]:
    return [_part(row.name, row.storage_key, f"revision {row.revision}") for row in Dataset.objects.all()]


def _models() -> list[Part]:
    rows = Model.objects.select_related("dataset")
    return [_part(row.name, row.artifact, f"of {row.dataset.name}") for row in rows]


def _indexes() -> list[Part]:
    rows = Index.objects.select_related("model", "dataset")
    return [
        _part(
            f"index {row.pk} of {row.model.name}",
            row.path,
            f"{row.dataset.name}, {'active' if row.active else 'not active'}",
        )
        for row in rows
    ]
