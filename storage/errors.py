"""Errors of the storage. None is an OSError: a file that cannot be had now is not gone."""

from config.errors import ServiceAway


class StorageAway(ServiceAway):
    """The storage does not answer, or refuses; the same request may succeed later."""


class StoredDamaged(Exception):
    """What came from the storage is not what was put there."""
