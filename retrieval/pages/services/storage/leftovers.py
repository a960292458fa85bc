"""Automatic deletion of uploads of failed jobs that nobody retried for LEFTOVER_DAYS."""

import logging
import shutil
from datetime import datetime

from django.core.cache import cache

from retrieval.pages.services.storage.garbage import unused_files

logger = logging.getLogger(__name__)
LOOKED = "leftovers-looked-for"
LOOK_SECONDS = 3600


def sweep_leftovers(now: datetime) -> None:
    """Delete uploads that no job needs, at most once an hour. Safe to run by several processes at once."""
    if not cache.add(LOOKED, now.isoformat(), LOOK_SECONDS):
        return
    for item in unused_files("uploads"):
        logger.info("removing %s: %s", item.path, item.reason)
        if item.place.is_dir():
            shutil.rmtree(item.place, ignore_errors=True)
        else:
            item.place.unlink(missing_ok=True)
