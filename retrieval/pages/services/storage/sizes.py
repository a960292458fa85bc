"""Used space by kind of file, measured at most once a minute."""

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.core.cache import cache
from django.utils import timezone

from config import storage
from jobs import scratch
from retrieval.datasets.services.pictures import RENDITIONS
from retrieval.models import Dataset, Index, Model
from retrieval.models.upload import uploads

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


def bytes_below(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder; 0 for what is not there (any more)."""
    try:
        if not path.is_dir():
            return path.lstat().st_size
        with os.scandir(path) as entries:
            children = list(entries)
    except FileNotFoundError:
        return 0
    return sum(bytes_below(Path(entry.path)) for entry in children if not entry.is_symlink())


def usage(*, fresh: bool = False) -> Usage:
    """Return the used space, as of the last minute; `fresh` measures again."""
    measured: Usage | None = None if fresh else cache.get(CACHE_KEY)
    if measured is None:
        measured = _measured()
        cache.set(CACHE_KEY, measured, KEPT_SECONDS)
    return measured


def _measured() -> Usage:
    media = storage.media()
    groups = [
        Group("Data sets", "Pictures as imported.", _largest(_datasets())),
        Group("Models", "Weights, embeddings and metrics of each run and external model.", _largest(_models())),
        Group("Indexes", "Active and older indexes.", _largest(_indexes())),
        Group(
            "Thumbnails",
            "Thumbnails and JPEG copies; created again when needed.",
            _largest([Part(name, bytes_below(media / name)) for name in RENDITIONS]),
        ),
        Group(
            "Searches",
            "Uploaded query pictures.",
            _largest([Part("query pictures", bytes_below(media / "searches"))]),
        ),
        Group(
            "Reports and maps",
            "Reports of experiments, maps of indexes.",
            _largest([Part(name, bytes_below(media / name)) for name in ("reports", "maps")]),
        ),
        Group("Uploads", "Uploads of queued jobs, and of failed jobs until a retry.", _largest(_children(uploads()))),
        Group(
            "Caches",
            "Decoded pictures and features; created again when needed.",
            _largest(_children(storage.cache())),
        ),
        Group("Work in progress", "Checkpoints and scratch folders of jobs.", _largest(_children(scratch.root()))),
    ]
    disk = shutil.disk_usage(storage.var())
    return Usage([group for group in groups if group.parts], disk.free, disk.total, timezone.now())


def _largest(parts: list[Part]) -> list[Part]:
    return sorted((part for part in parts if part.bytes), key=lambda part: -part.bytes)


def _children(folder: Path) -> list[Part]:
    return [Part(child.name, bytes_below(child)) for child in folder.glob("*")]


def _datasets() -> list[Part]:
    return [Part(row.name, bytes_below(row.folder), f"revision {row.revision}") for row in Dataset.objects.all()]


def _models() -> list[Part]:
    rows = Model.objects.select_related("dataset")
    return [Part(row.name, bytes_below(row.folder), f"of {row.dataset.name}") for row in rows]


def _indexes() -> list[Part]:
    rows = Index.objects.select_related("model", "dataset")
    return [
        Part(
            f"index {row.pk} of {row.model.name}",
            bytes_below(row.folder),
            f"{row.dataset.name}, {'active' if row.active else 'not active'}",
        )
        for row in rows
    ]
