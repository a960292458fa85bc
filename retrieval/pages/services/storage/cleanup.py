"""What was shown is collected: looked at once more, then deleted, one kind after the other."""

import shutil
from collections.abc import Sequence
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
from retrieval.pages.services.storage.garbage import RULES, Item, old_indexes, unneeded
from retrieval.pages.services.storage.sizes import CACHE_KEY


def submit_collection(paths: Sequence[str], *, by: User | None) -> Job:
    """Queue the deletion of what was shown and chosen.

    Raises:
        Rejected: nothing was chosen, something may not go (any more), or a collection is at work.
    """
    chosen = sorted(set(paths))
    if not chosen:
        raise Rejected("choose what is to go")
    known = {item.path: item for item in unneeded()}
    unknown = [path for path in chosen if path not in known]
    if unknown:
        raise Rejected(f"{unknown[0][:200]} is needed by now, or gone; look at the page again")
    with transaction.atomic():
        job = jobs.submit("collect", {"paths": chosen}, by=by, key="collect")
        if job.payload != {"paths": chosen}:
            raise Rejected(f"job {job.pk} is collecting already; wait until it has ended")
        freed = sum(known[path].bytes for path in chosen)
        audit.record(by, "collect-disk", f"{len(chosen)} files and folders", bytes=freed, paths=list[Any](chosen[:100]))
        return job


def run_collect_job(context: JobContext, paths: list[str]) -> dict[str, Any]:
    """Delete what was shown and still nothing needs. Safe to run again: what is gone is not there to go."""
    wanted, freed, deleted = set(paths), 0, 0
    for kind in RULES:
        for item in unneeded(kind):  # asked anew, for a job may have come to need it since it was shown
            if item.path in wanted and _delete(item):
                freed, deleted = freed + item.bytes, deleted + 1
                context.progress("deleting", deleted, len(wanted))
    cache.delete(CACHE_KEY)
    left = len(wanted) - deleted
    context.say(f"{deleted} deleted, {freed / 2**20:,.1f} MB freed" + (f"; {left} left: needed by now" if left else ""))
    return {"deleted": deleted, "freed_bytes": freed, "left": left}


def _delete(item: Item) -> bool:
    if item.kind == "indexes" and not _forget_index(item):
        return False
    if item.place.is_dir():
        shutil.rmtree(item.place)
    else:
        item.place.unlink(missing_ok=True)
    return True


@transaction.atomic
def _forget_index(item: Item) -> bool:
    """Delete the row of an index before its files; False when it has come to serve or to answer meanwhile."""
    index = next((row for row in Index.objects.all() if row.folder == item.place), None)
    if index is None:
        return False
    Model.objects.select_for_update().get(pk=index.model_id)  # nobody activates it meanwhile
    return bool(old_indexes().filter(pk=index.pk).exists() and Index.objects.filter(pk=index.pk).delete()[0])
