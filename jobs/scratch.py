"""A folder for each attempt of a job. What an attempt left can be adopted by the next, never shared."""

import logging
import shutil
import time
from pathlib import Path

from config import places

logger = logging.getLogger(__name__)


def root() -> Path:
    """Return the folder that holds all scratch folders."""
    return places.var() / "scratch"


def folder_of(job_id: int, attempt: int) -> Path:
    """Return the folder of one attempt; it may not exist."""
    return root() / f"job-{job_id}-{attempt}"


def left_over(job_id: int) -> list[Path]:
    """Return the job's folders, the newest attempt's first."""
    folders = root().glob(f"job-{job_id}-*")
    return sorted(folders, key=lambda folder: int(folder.name.rsplit("-", 1)[1]), reverse=True)


def fresh(job_id: int, attempt: int) -> Path:
    """Return this attempt's folder, made when it is not there; older attempts' folders go."""
    own = folder_of(job_id, attempt)
    own.mkdir(parents=True, exist_ok=True)
    prune(job_id, keep=1)
    return own


def adopted(job_id: int, attempt: int) -> Path:
    """Return this attempt's folder with what the last attempt left in its own.

    The rename takes the folder away from an old attempt that may still be alive: whatever it
    writes by path from now on fails.
    """
    own = folder_of(job_id, attempt)
    if not own.exists():
        for folder in left_over(job_id)[:1]:
            folder.rename(own)
    return fresh(job_id, attempt)


def prune(job_id: int, keep: int) -> None:
    """Remove the job's folders but for the `keep` newest."""
    for folder in left_over(job_id)[keep:]:
        shutil.rmtree(folder, ignore_errors=True)


def remove_older_than(seconds: float, active: set[int]) -> None:
    """Remove folders untouched for so long, but for those of `active` jobs."""
    for folder in root().glob("job-*-*"):
        job_id = int(folder.name.split("-")[1])
        try:
            untouched = time.time() - folder.stat().st_mtime
        except FileNotFoundError:  # its job has just finished
            continue
        if job_id not in active and untouched > seconds:
            logger.info("removing %s, left by a job that nobody retried", folder.name)
            shutil.rmtree(folder, ignore_errors=True)
