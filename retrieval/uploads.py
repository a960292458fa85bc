"""The folder of uploaded files, which wait there for their job."""

from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile


def uploads() -> Path:
    """Return the folder of all uploads; it may not exist yet."""
    return Path(settings.MEDIA_ROOT) / "uploads"


def store(file: "UploadedFile[bytes]", place: Path) -> None:
    """Write an upload to a path, completely or not at all."""
    try:
        with place.open("wb") as target:
            for chunk in file.chunks():
                target.write(chunk)
    except BaseException:
        place.unlink(missing_ok=True)
        raise
