"""Many files at once, to and from the storage."""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from storage.errors import StorageAway
from storage.store import store

logger = logging.getLogger(__name__)

AT_ONCE = 16
BLOCK = 1000  # keys in memory

Progress = Callable[[str, int, int], None]


def put_all(keys: Sequence[str], progress: Progress) -> None:
    """Store what lies at the places of keys; nothing is to be done where the storage is a folder of this machine."""
    if store().is_shared:
        _each(store().put, keys, "files stored", len(keys), progress)


def fetch_all(keys: Sequence[str], progress: Progress) -> None:
    """Fill the places of keys from the storage, where they are empty."""
    if store().is_shared:
        _each(store().local_copy, keys, "files fetched", len(keys), progress)


def delete_all(keys: Iterable[str], total: int, progress: Progress) -> None:
    """Delete what the keys name, here and in the storage. Total: about so many; 0 means unknown."""
    _each(store().delete, keys, "files", total, progress)


def discard(key: str) -> None:
    """Delete what nothing needs any more; where that fails now, it is left to the storage page's cleanup."""
    try:
        store().delete(key)
    except (OSError, StorageAway):
        logger.warning("%s is not deleted", key, exc_info=True)


def _each(move: Callable[[str], object], keys: Iterable[str], phase: str, total: int, progress: Progress) -> None:
    """Call it for each key: one after the other on this machine, else several at once."""
    left, done = iter(keys), 0
    for key in islice(left, 1):  # in this thread: the first use of a storage asks the database whose it is
        move(key)
        done = 1
    pool = ThreadPoolExecutor(AT_ONCE if store().is_shared else 1)
    try:
        while block := list(islice(left, BLOCK)):
            for _ in pool.map(move, block):
                done += 1
                if done % 100 == 0:
                    progress(phase, done, total)
    finally:
        pool.shutdown(cancel_futures=True)
