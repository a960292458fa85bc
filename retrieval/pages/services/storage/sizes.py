"""How many bytes lie where; walked at most once a minute, and the answer says when."""

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from jobs import scratch
from retrieval.datasets.services.pictures import RENDITIONS
from retrieval.models import Dataset, Index, Model
from retrieval.uploads import uploads

KEPT_SECONDS = 60
CACHE_KEY = "disk-usage"


@dataclass(frozen=True)
class Part:
    """A thing that takes up space."""

    name: str
    bytes: int
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Parts of a kind, the largest first."""

    title: str
    meaning: str
    parts: list[Part]

    @property
    def bytes(self) -> int:
        """All of them together."""
        return sum(part.bytes for part in self.parts)


@dataclass(frozen=True)
class Usage:
    """What was found, and when."""

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
            found = list(entries)
    except FileNotFoundError:
        return 0
    return sum(bytes_below(Path(entry.path)) for entry in found if not entry.is_symlink())


def usage(*, fresh: bool = False) -> Usage:
    """Return what takes up the disk, as of the last minute; `fresh` walks anew."""
    found: Usage | None = None if fresh else cache.get(CACHE_KEY)
    if found is None:
        found = _measured()
        cache.set(CACHE_KEY, found, KEPT_SECONDS)
    return found


def _measured() -> Usage:
    media = Path(settings.MEDIA_ROOT)
    groups = [
        Group("Data sets", "Pictures as they were imported.", _largest(_datasets())),
        Group(
            "Models", "Weights, embeddings and figures of each run, and of models from outside.", _largest(_models())
        ),
        Group("Indexes", "What searches read.", _largest(_indexes())),
        Group(
            "Made from pictures",
            "Thumbnails and what a browser shows; made again when asked for.",
            _largest([Part(name, bytes_below(media / name)) for name in RENDITIONS]),
        ),
        Group(
            "Searches",
            "Pictures that people searched with.",
            _largest([Part("uploaded queries", bytes_below(media / "searches"))]),
        ),
        Group(
            "Reports and maps",
            "Of experiments and of models' spaces.",
            _largest([Part(name, bytes_below(media / name)) for name in ("reports", "maps")]),
        ),
        Group("Uploads", "Files that wait for their job, or for a retry.", _largest(_children(uploads()))),
        Group(
            "Caches",
            "Decoded pictures and features; made again when needed.",
            _largest(_children(Path(settings.CACHE_DIR))),
        ),
        Group("Work in progress", "Checkpoints and scratch folders of jobs.", _largest(_children(scratch.root()))),
    ]
    disk = shutil.disk_usage(settings.VAR_DIR)
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
            f"{row.dataset.name}, {'serves' if row.active else 'does not serve'}",
        )
        for row in rows
    ]
