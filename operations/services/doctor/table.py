"""The table of all checks, in the order in which they run: after those that they need."""

from operations.services.doctor import (
    clock,
    data,
    disk,
    permissions,
    services,
    settings,
    storage,
    vectors,
    versions,
    work,
)

CHECKS = (
    *settings.CHECKS,
    *services.CHECKS,
    *storage.CHECKS,
    *vectors.CHECKS,
    *versions.CHECKS,
    *disk.CHECKS,
    *permissions.CHECKS,
    *clock.CHECKS,
    *data.CHECKS,
    *work.CHECKS,
)
