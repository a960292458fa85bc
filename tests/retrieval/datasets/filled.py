"""Uploads with something in them."""

from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from retrieval.datasets.services import uploads
from retrieval.datasets.services.upload_files import StoredFile, store_files
from retrieval.models import Upload
from tests.retrieval.pictures import jpeg


def sent(upload: Upload, files: Mapping[str, bytes]) -> list[StoredFile]:
    """Store files as one request does."""
    named = [(path, SimpleUploadedFile(path.rpartition("/")[2], content)) for path, content in files.items()]
    return store_files(upload, named)


def filled(files: Mapping[str, bytes], by: User | None = None) -> Upload:
    """Return an upload of these files."""
    upload = uploads.begin_upload(by)
    sent(upload, files)
    upload.refresh_from_db()
    return upload


def classes_of_jpegs(*names: str, each: int = 2, first: int = 100) -> dict[str, bytes]:
    """Return pictures unlike each other, so many for each class."""
    return {
        f"{name}/{number}.jpg": jpeg(first + each * place + number)
        for place, name in enumerate(names)
        for number in range(each)
    }


def folders() -> list[Path]:
    """Return what lies where uploads lie."""
    return sorted((Path(settings.MEDIA_ROOT) / "uploads").glob("*"))
