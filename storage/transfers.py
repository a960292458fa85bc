"""Many files at once, to and from the storage."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from storage.store import store

AT_ONCE = 16

Progress = Callable[[str, int, int], None]


def put_all(keys: Sequence[str], progress: Progress) -> None:
    """Store what lies at the places of keys; nothing is to be done where the storage is a folder of this machine."""
    _each(store().put, keys, "files stored", progress)


def fetch_all(keys: Sequence[str], progress: Progress) -> None:
    """Fill the places of keys from the storage, where they are empty."""
    _each(store().local_copy, keys, "files fetched", progress)


def _each(move: Callable[[str], object], keys: Sequence[str], phase: str, progress: Progress) -> None:
    if not store().is_shared:
        return
    for key in keys[:1]:  # here: the first use of a storage asks the database whose it is
        move(key)
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for done, _ in enumerate(pool.map(move, keys[1:]), start=2):
            if done % 100 == 0 or done == len(keys):
                progress(phase, done, len(keys))
    finally:
        pool.shutdown(cancel_futures=True)
