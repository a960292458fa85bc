"""Deletion of unused files: those that a curator selected, and uploads of failed jobs after LEFTOVER_DAYS."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import transaction

from accounts import audit
from accounts.models import User
from config.errors import Rejected
from jobs import services as jobs
from jobs.context import JobContext
from jobs.models import Job
from retrieval.models import Index, Model
from retrieval.pages.services.storage.garbage import PRIVATE, RULES, Item, old_indexes, unused_files
from retrieval.pages.services.storage.sizes import CACHE_KEY
from storage.store import store
from storage.transfers import discard

logger = logging.getLogger(__name__)
LOOKED = "leftovers-looked-for"
LOOK_SECONDS = 3600


def submit_cleanup(paths: Sequence[str], *, by: User | None) -> Job:
    """Queue the deletion of selected unused files.

    Raises:
        Rejected: nothing was selected, a file is needed (by now) or gone, or another cleanup is active.
    """
    selected = sorted(set(paths))
    if not selected:
        raise Rejected("select at least one file")
    unused = {item.path: item for item in unused_files()}
    unknown = [path for path in selected if path not in unused]
    if unknown:
        raise Rejected(f"{unknown[0][:200]} is needed by now, or gone; reload the page")
    with transaction.atomic():
        job = jobs.submit("collect", {"paths": selected}, by=by, key="collect")
        if job.payload != {"paths": selected}:
            raise Rejected(f"job {job.pk} is a cleanup already; wait until it has finished")
        freed = sum(unused[path].bytes for path in selected)
        audit.record(
            by, "collect-disk", f"{len(selected)} files and folders", bytes=freed, paths=list[Any](selected[:100])
        )
        return job


def run_collect_job(context: JobContext, paths: list[str]) -> Mapping[str, object]:
    """Delete the selected files that are still unused. Safe to run again."""
    wanted, freed, deleted = set(paths), 0, 0
    for kind in RULES:
        for item in unused_files(kind):  # checked again: a job may need it by now
            if item.path in wanted and _delete(item):
                freed, deleted = freed + item.bytes, deleted + 1
                context.progress("deleting", deleted, len(wanted))
    cache.delete(CACHE_KEY)
    left = len(wanted) - deleted
    kept = f"; {left} not deleted: needed by now" if left else ""
    context.say(f"{deleted} deleted, {freed / 2**20:,.1f} MB freed{kept}")
    return {"deleted": deleted, "freed_bytes": freed, "left": left}


def _delete(item: Item) -> bool:
    if item.kind == "indexes" and not _forget_index(item):
        return False
    item.delete()
    return True


@transaction.atomic
def _forget_index(item: Item) -> bool:
    """Delete the row of an index before its files; False when it became active or got results meanwhile."""
    index = Index.objects.filter(path=item.key).first()
    if index is None:
        return False
    Model.objects.select_for_update().get(pk=index.model_id)  # nobody activates it meanwhile
    return bool(old_indexes().filter(pk=index.pk).exists() and Index.objects.filter(pk=index.pk).delete()[0])


def sweep_leftovers(now: datetime) -> None:
    """Delete uploads that no job needs, at most once an hour. Safe to run by several processes at once."""
    if not cache.add(LOOKED, now.isoformat(), LOOK_SECONDS):
        return
    private = unused_files(PRIVATE) if store().is_shared else []  # whose storage is that of no other database
    for item in [*unused_files("uploads"), *private]:
        logger.info("removing %s: %s", item.path, item.reason)
        discard(item.key)
