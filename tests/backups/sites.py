"""A small site to back up, made by hand: rows that need files, and their files."""

import hashlib
import io
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from accounts.models import User
from jobs.models import Job
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.datasets.services.classes import add_classes
from retrieval.models import Dataset, Image, Search
from retrieval.models.upload import uploads
from tests.conftest import person

PICTURES = {"a/1.png": b"first picture", "b/2.png": b"second picture"}


def put(path: Path, data: bytes = b"data") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def media(path: str) -> Path:
    return Path(settings.MEDIA_ROOT) / path


def small_site() -> User:
    """Make a person with a search of their own picture, a data set, a queued import, weights and left-overs."""
    Path(settings.VAR_DIR).mkdir(parents=True, exist_ok=True)
    user = person("mia", "member")
    dataset = Dataset.objects.create(name="Wings", slug="wings", source="wings", revision=1)
    add_classes(dataset, ["a", "b"])
    for name, data in PICTURES.items():
        put(dataset.folder / "images" / name, data)
        sha256 = hashlib.sha256(data).hexdigest()
        Image.objects.create(dataset=dataset, path=name, label=0, split="test", sha256=sha256, width=1, height=1)
    put(dataset.folder / "dataset.json", b"{}")
    fresh_catalogue(dataset.pk)
    picture = b"own picture"
    put(Search.objects.create(owner=user, k=1, upload_bytes=len(picture)).upload, picture)
    put(uploads() / "waiting.zip", b"archive")
    job = Job.objects.create(kind="import", payload={"dataset": 2})
    Dataset.objects.create(name="Moths", slug="moths", source="upload:waiting.zip", job=job)
    put(Path(settings.WEIGHTS_DIR) / "small.safetensors", b"weights")
    for path in ("runs/77/model.json", "datasets/.1-wings-job-3/x", "thumbnails/ab/x.jpg", ".scratch/x"):
        put(media(path))
    return user


def run(command: str, *args: object) -> str:
    """Run a command of manage.py; return what it says on both streams."""
    said = io.StringIO()
    call_command(command, *map(str, args), stdout=said, stderr=said)
    return said.getvalue()


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
