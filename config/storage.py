"""Where the site keeps its files: every path begins here, so that another kind of storage has one place to start."""

from pathlib import Path

from django.conf import settings


def media() -> Path:
    """Return the folder of what people and jobs store: pictures, models, indexes, reports, uploads."""
    return Path(settings.MEDIA_ROOT)


def weights() -> Path:
    """Return the folder of weights that experiments may start from."""
    return Path(settings.WEIGHTS_DIR)


def cache() -> Path:
    """Return the folder of what can be computed again: decoded pictures, features, step times, checksums."""
    return Path(settings.CACHE_DIR)


def var() -> Path:
    """Return the folder of everything that the site writes."""
    return Path(settings.VAR_DIR)
