"""Files that failed jobs left in the uploads go by themselves, when nobody has retried the job for LEFTOVER_DAYS."""

import logging
import shutil
from datetime import datetime

from django.core.cache import cache

from retrieval.pages.services.storage.garbage import unneeded

logger = logging.getLogger(__name__)
LOOKED = "leftovers-looked-for"
LOOK_SECONDS = 3600


def sweep_leftovers(now: datetime) -> None:
    """Delete what no job needs any more, at most once an hour. Safe to run by several processes at once."""
    if not cache.add(LOOKED, now.isoformat(), LOOK_SECONDS):
        return
    for item in unneeded("uploads"):
        logger.info("removing %s: %s", item.path, item.reason)
        if item.place.is_dir():
            shutil.rmtree(item.place, ignore_errors=True)
        else:
            item.place.unlink(missing_ok=True)
