"""Where uploaded files wait for the job that takes them in."""

from pathlib import Path

from django.conf import settings


def uploads() -> Path:
    """Return the folder of all uploads; it may not exist yet."""
    return Path(settings.MEDIA_ROOT) / "uploads"
