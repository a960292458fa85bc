"""Unused files, by rules that each name their reason; never files that an active job uses."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from config import places
from jobs import scratch
from jobs.models import Job
from retrieval.datasets.services.pictures import RENDITIONS
from retrieval.models import Dataset, Image, Index, Model, Ranking, Report, Run, Search, Upload
from retrieval.models.upload import UPLOADS
from retrieval.registry.services.trained_parts import CHECKPOINTS
from storage.folder import bytes_below, remove
from storage.store import store

KEEP_CACHE = timedelta(days=30)
KEEP_NEW = timedelta(hours=1)  # a younger file may still be written, by a job or an upload
KEEP_INDEXES = 2  # of a model and data set: the active one, or the last active one, and one to roll back to
CHECKSUMS = "checksums"  # among the caches: small, and needed before a download can start
CHUNK = 1000  # files whose pictures are looked for at once
MEDIA = "media/"
PRIVATE = "query pictures"
JOB_IN_NAME = re.compile(r"job-(\d+)")


@dataclass(frozen=True)
class Item:
    """An unused file or folder. path: below the var folder; what begins with `media/` is in the storage."""

    kind: str
    path: str
    bytes: int
    reason: str

    @property
    def key(self) -> str:
        """Its key in the storage, "" for what only this host has."""
        return self.path.removeprefix(MEDIA) if self.path.startswith(MEDIA) else ""

    def delete(self) -> None:
        """Delete it; nothing there is no error."""
        if self.key:
            store().delete(self.key)
        else:
            remove(places.var() / self.path)


def unused_files(kind: str | None = None) -> list[Item]:
    """Return the unused files and folders, of one kind or of all; the largest first within each kind."""
    items: list[Item] = []
    for name, rule in RULES.items():
        if kind in (None, name):
            of_kind = (_item(name, found, why) for found, why in rule())
            items += sorted(of_kind, key=lambda item: -item.bytes)
    return items


Found = Iterator[tuple[Path | str, str]]
"""Places of this host, or keys of the storage, each with the reason."""


def _item(kind: str, found: Path | str, why: str) -> Item:
    if isinstance(found, str):
        return Item(kind, f"{MEDIA}{found}", store().measure(found).bytes, why)
    return Item(kind, str(found.relative_to(places.var())), bytes_below(found), why)


def _age(place: Path) -> timedelta:
    """Return the time since the last change; zero for a file that no longer exists."""
    try:
        return timedelta(seconds=time.time() - place.lstat().st_mtime)
    except FileNotFoundError:
        return timedelta(0)


def _active_jobs() -> set[int]:
    """Return the jobs that may use files; the cleanup job does not."""
    return set(Job.objects.filter(state__in=Job.ACTIVE).exclude(kind="collect").values_list("pk", flat=True))


def _job_named(name: str) -> int | None:
    match = JOB_IN_NAME.search(name)
    return int(match[1]) if match else None


def _stored(folder: str) -> list[str]:
    """Return the keys directly below one that were stored more than KEEP_NEW ago, hidden names included."""
    return [found.key for found in store().below(folder) if timezone.now() - found.changed_at > KEEP_NEW]


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _below(folder: Path) -> list[Path]:
    """Return the files in a folder that are older than KEEP_NEW, hidden files included."""
    return [place for place in sorted(folder.iterdir()) if _age(place) > KEEP_NEW] if folder.is_dir() else []


def _waits_for_retry(jobs: QuerySet[Job]) -> bool:
    """Say whether one of the jobs is active, or ended badly so lately that somebody may retry it."""
    if jobs.filter(state__in=Job.ACTIVE).exists():
        return True
    bad = jobs.filter(state__in=(Job.State.FAILED, Job.State.CANCELLED))
    return bad.filter(finished_at__gt=timezone.now() - timedelta(days=settings.LEFTOVER_DAYS)).exists()


def _scratch_folders() -> Found:
    for folder in _below(scratch.root()):
        job = _job_named(folder.name)
        if job is not None and not _waits_for_retry(Job.objects.filter(pk=job)):
            yield folder, f"job {job} has ended, and nobody retried it for {settings.LEFTOVER_DAYS} days if it failed"


def _uploads() -> Found:
    filling = {upload.storage_key for upload in Upload.objects.all()}  # the upload sweep deletes those
    for key in _stored(UPLOADS):
        if key in filling:
            continue
        source = f"upload:{_name(key)}"
        users = Job.objects.filter(payload__upload=_name(key)) | Job.objects.filter(payload__source=source)
        importing = Dataset.objects.filter(source=source, revision=0).values("job")
        if not _waits_for_retry(users) and not _waits_for_retry(Job.objects.filter(pk__in=importing)):
            yield key, f"its job has ended, and nobody retried it for {settings.LEFTOVER_DAYS} days if it failed"


def old_indexes() -> QuerySet[Index]:
    """Return the indexes that are neither active, nor kept for a rollback, nor behind a result of a search.

    Indexes whose results people saw, shared or rated stay: a rating is of what that index returned.
    """
    newer = Index.objects.filter(model=OuterRef("model"), dataset=OuterRef("dataset"), pk__gt=OuterRef("pk"))
    kept = [
        pk
        for model, dataset in Index.objects.order_by().values_list("model", "dataset").distinct()
        for pk in Index.objects.filter(model=model, dataset=dataset).values_list("pk", flat=True)[:KEEP_INDEXES]
    ]
    answered = Ranking.objects.filter(index=OuterRef("pk"))
    used = Job.objects.filter(state__in=Job.ACTIVE, payload__has_key="index").values_list("payload__index", flat=True)
    return Index.objects.filter(Exists(newer), ~Exists(answered), active=False).exclude(pk__in=[*kept, *used])


def _old_indexes() -> Found:
    for index in old_indexes().select_related("model"):
        yield (
            index.path,
            f"an older index of {index.model.name}: it is not active, and no search has a result from it",
        )


def _ownerless(folder: str, has_owner: Callable[[str], bool], kind: str) -> Found:
    """Yield the keys below one that belong to no row and to no active job."""
    active = _active_jobs()
    for key in _stored(folder):
        being_made = _name(key).startswith(".") and active  # a folder gets its final name when it is complete
        if not has_owner(key) and not being_made and _job_named(_name(key)) not in active:
            yield key, f"it belongs to no {kind}"


def _left_overs() -> Found:
    datasets = {row.storage_key for row in Dataset.objects.all()}
    yield from _ownerless("datasets", datasets.__contains__, "data set")
    runs = {str(pk) for pk in Run.objects.values_list("pk", flat=True)}
    yield from _ownerless("runs", lambda key: _name(key).lstrip(".").split("-")[0] in runs, "run")
    yield from _ownerless(CHECKPOINTS, _may_go_on, "training that may go on")
    models = set(Model.objects.values_list("artifact", flat=True))
    yield from _ownerless("outside", models.__contains__, "model")
    indexes = set(Index.objects.values_list("path", flat=True))
    for folder in _stored("indexes"):
        yield from _ownerless(folder, indexes.__contains__, "index")
    reports = set(Report.objects.values_list("path", flat=True))
    making = Job.objects.filter(kind="report", state__in=Job.ACTIVE).exists()
    yield from _ownerless("reports", lambda key: making or key in reports, "report")
    mapped = {f"index-{pk}" for pk in Index.objects.values_list("pk", flat=True)}
    yield from _ownerless("maps", lambda key: _name(key).rpartition("-")[0] in mapped, "index")


def _may_go_on(key: str) -> bool:
    """Say whether somebody may go on with the training of a checkpoint."""
    run = Run.objects.filter(pk=int(_name(key).removeprefix("run-"))).first()
    return run is not None and _waits_for_retry(Job.objects.filter(pk=run.job_id or 0))


def _private_pictures() -> Found:
    searches = {f"{pk}.jpg" for pk in Search.stored.values_list("pk", flat=True)}
    yield from _ownerless("searches", lambda key: _name(key) in searches, "search")


def _renditions() -> Found:
    for kind, first in product(RENDITIONS, range(256)):  # few enough files to look for their pictures at once
        files = _stored(f"{kind}/{first:02x}")
        for start in range(0, len(files), CHUNK):
            part = {PurePosixPath(key).stem: key for key in files[start : start + CHUNK]}
            named = Image.objects.filter(sha256__in=list(part))
            known = set(named.order_by().values_list("sha256", flat=True))
            yield from (
                (key, "no picture has this content any more") for sha256, key in part.items() if sha256 not in known
            )


def _caches() -> Found:
    if _active_jobs():
        return  # any job may read any cache, and no row records it
    for place in _below(places.cache()):
        if place.is_dir() and place.name != CHECKSUMS and _age(place) > KEEP_CACHE:
            yield place, f"not used for {KEEP_CACHE.days} days; it is created again when needed"


RULES: dict[str, Callable[[], Found]] = {
    "indexes": _old_indexes,
    "checkpoints": _scratch_folders,
    "uploads": _uploads,
    "left-overs": _left_overs,
    PRIVATE: _private_pictures,
    "renditions": _renditions,
    "caches": _caches,
}
