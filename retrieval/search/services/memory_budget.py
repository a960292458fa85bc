"""A budget in bytes of loaded objects: the least recently used leave when together they are too large."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

logger = logging.getLogger(__name__)

T = TypeVar("T")

NOT_LOADED = object()

SOON = 60
"""Seconds: what is loaded again within them was used all the time, so the budget is too small for what is used."""


@dataclass
class _Held:
    bytes: int
    value: Any = NOT_LOADED
    loading: threading.Lock = field(default_factory=threading.Lock)


class LRUCache:
    """Loaded objects by key, within a budget of what they keep in memory.

    An object is loaded once for all callers, and nobody waits for the loading of another. Keys name objects that
    never change, so a new index is a new key, and a search that still reads the old one keeps it alive.
    An object may be larger than the whole budget. Of each kind, the first part of its key, the one that was used last
    is held beside the others, which share the budget without it: otherwise each search would load it. The log says so.
    """

    def __init__(
        self,
        most_bytes: int,
        while_loading: Callable[[], AbstractContextManager[object]] = nullcontext,
        on_change: Callable[[int], object] = lambda total: None,
    ) -> None:
        """while_loading: entered by whoever loads an object, or waits until another has loaded it.

        on_change: told how many bytes the objects keep in memory, whenever they may have changed.
        """
        self._while_loading, self._on_change = while_loading, on_change
        self._most, self._held = most_bytes, OrderedDict[object, _Held]()
        self._lock = threading.Lock()
        self._left: dict[object, float] = {}  # when an object had to leave, of those that left a moment ago

    @property
    def resident_bytes(self) -> int:
        """What its objects keep in memory."""
        with self._lock:
            return self._bytes()

    def get(self, key: object, load: Callable[[], T], size: int) -> T:
        """Return the object under `key`, loaded now if it is not here; it keeps `size` bytes in memory."""
        with self._lock:
            if key not in self._held:
                self._report(key, size)
            held = self._held.setdefault(key, _Held(size))
            self._held.move_to_end(key)
            self._make_room()
            self._tell()
        if held.value is NOT_LOADED:
            with self._while_loading(), held.loading:
                if held.value is NOT_LOADED:
                    held.value = self._loaded(key, held, load)
        return cast(T, held.value)

    def _loaded(self, key: object, held: _Held, load: Callable[[], T]) -> T:
        """Return what `load` gives; what it fails to load takes no room, and is loaded again for the next."""
        try:
            return load()
        except BaseException:
            with self._lock:
                if self._held.get(key) is held:
                    del self._held[key]
                    self._tell()
            raise

    def forget(self, key: object) -> None:
        """Remove an object, which the next caller loads again."""
        with self._lock:
            self._held.pop(key, None)
            self._tell()

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._held.clear()
            self._left.clear()
            self._tell()

    def _bytes(self) -> int:
        return sum(held.bytes for held in self._held.values())

    def _tell(self) -> None:
        """Say what memory the objects take now; the caller holds the lock."""
        self._on_change(self._bytes())

    def _make_room(self) -> None:
        """Let the least recently used leave; the caller holds the lock."""
        too_large = {_kind(key): key for key, held in self._held.items() if held.bytes > self._most}  # used last
        others = [key for key in self._held if key not in too_large.values()]  # the least recently used first
        total, newest = sum(self._held[key].bytes for key in others), next(reversed(self._held))
        for key in others:
            if total <= self._most:
                break
            if key != newest:
                total -= self._held.pop(key).bytes
                self._note_leaving(key)

    def _note_leaving(self, key: object) -> None:
        now = time.monotonic()
        self._left = {other: since for other, since in self._left.items() if now - since < SOON} | {key: now}

    def _report(self, key: object, size: int) -> None:
        """Say in the log why memory will be larger, or searches slower, than settings meant."""
        if size > self._most:
            logger.warning(
                "%s keeps %d MB in memory, more than KINDRED_ENGINE_MB (%d): it is held beside the others",
                key, size >> 20, self._most >> 20,
            )  # fmt: skip
        if time.monotonic() - self._left.pop(key, -SOON) < SOON:
            logger.warning(
                "%s left memory for others and is loaded again: what is searched together needs more than "
                "KINDRED_ENGINE_MB (%d)", key, self._most >> 20,
            )  # fmt: skip


def _kind(key: object) -> str:
    return str(key[0]) if isinstance(key, tuple) else ""
