"""Files that rows need, with the checksums that rows record of them; backups and checks read this list.

A rule for each kind of row. Paths are relative and begin with `media/` or `weights/`, whatever the settings say.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from django.db.models import Model as Row
from django.db.models import Q, QuerySet

from config import places
from config.errors import Rejected
from jobs.models import Job
from mlcore.events import no_progress
from mlcore.runs import WEIGHTS
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.datasets.services.pictures import RENDITIONS
from retrieval.datasets.services.sources import UPLOAD, is_upload
from retrieval.datasets.services.upload_files import fetched_upload
from retrieval.models import Dataset, Experiment, Image, Index, Model, Report, Run, Search, Upload
from retrieval.models.upload import UPLOADS
from retrieval.registry.services.trained_parts import CHECKPOINTS
from storage.store import PARTS, key_of, store
from storage.transfers import fetch_all

MEDIA, WEIGHTS_FOLDER = "media", "weights"
OF_ROWS = ("datasets", "runs", "outside", "indexes", "reports", "maps", "searches")
"""Folders below the media folder in which names are keys of rows: a file without a row is unused."""

MADE_AGAIN = (*RENDITIONS, CHECKPOINTS, PARTS)
"""Folders below the media folder whose files are created, or fetched, again when needed."""

CHUNK = 2000  # rows that are held in memory


@dataclass(frozen=True)
class NeededFile:
    """A file that a row cannot do without. sha256 and bytes as the row records them; empty and None where it does not.

    A `path` that ends in a slash is a folder, which must hold something.
    """

    path: str
    row: tuple[str, Any]
    sha256: str = ""
    bytes: int | None = None


def place_of(path: str) -> Path:
    """Return where a relative path lies on this site."""
    top, _, rest = path.partition("/")
    return {MEDIA: places.media(), WEIGHTS_FOLDER: places.weights()}[top] / rest


def filled(path: str) -> Path:
    """Return where a relative path lies on this site, with all that the storage has of it where that is elsewhere."""
    place = place_of(path)
    if store().is_shared:
        _fill(key_of(place))
    return place


def _fill(key: str) -> None:
    if key.startswith("datasets/"):
        dataset = next((row for row in Dataset.objects.filter(revision__gt=0) if row.storage_key == key), None)
        if dataset is not None:
            fetch_all([image.storage_key for image in images_of(dataset)], no_progress)
            fresh_catalogue(dataset.pk)
    elif key == UPLOADS:
        for found in store().below(UPLOADS):
            fetched_upload(found.key.rpartition("/")[2])
    else:
        store().local_copy(key)


def images_of(dataset: Dataset) -> Iterator[Image]:
    """Yield the pictures of a data set, hidden ones too, with what their keys need."""
    images = dataset.images.order_by("pk").only("path", "dataset").prefetch_related("dataset")
    return images.iterator(chunk_size=CHUNK)


def other_places() -> Iterator[str]:
    """Yield what rows do not own one by one: uploads, weights, and whatever a later version may keep."""
    left_out = {*OF_ROWS, *MADE_AGAIN}
    if store().is_shared:
        yield f"{MEDIA}/{UPLOADS}"
    elif place_of(MEDIA).is_dir():
        children = sorted(child.name for child in place_of(MEDIA).iterdir() if not child.name.startswith("."))
        yield from (f"{MEDIA}/{name}" for name in children if name not in left_out)
    yield from (found.key for found in store().below(WEIGHTS_FOLDER) if not found.key.startswith(f"{WEIGHTS_FOLDER}/."))


def needed_files() -> Iterator[NeededFile]:
    """Yield every file that a row needs, read in chunks."""
    for rule in RULES.values():
        for row in rule.rows().order_by("pk").iterator(chunk_size=CHUNK):
            yield from rule.files(row)


def is_still_needed(file: NeededFile) -> bool:
    """Say whether its row is still there and needs it as before."""
    name, pk = file.row
    rule = next(rule for kind, rule in RULES.items() if kind.__name__ == name)
    return any(file in rule.files(row) for row in rule.rows().filter(pk=pk))


def settle_restored_files() -> list[str]:
    """Make the catalogues say what the rows say, and the folders of begun uploads; return what could not be done."""
    faults = []
    for dataset in Dataset.objects.filter(revision__gt=0):
        try:
            fresh_catalogue(dataset.pk)
        except (OSError, Rejected) as error:
            faults.append(f"the list of pictures of {dataset.name} cannot be written: {error}")
    for search in _own_pictures().filter(upload_bytes=0):  # a backup of before sizes were in rows
        size = store().measure(search.upload_key).bytes
        Search.stored.filter(pk=search.pk).update(upload_bytes=size)
    for upload in Upload.objects.iterator():
        upload.folder.mkdir(parents=True, exist_ok=True)
    return faults


def owned_places() -> Iterator[str]:
    """Yield the files and folders in OF_ROWS that belong to a row; one that is not made yet may be missing."""
    yield from (f"media/datasets/{row.folder.name}" for row in Dataset.objects.iterator(chunk_size=CHUNK))
    yield from (f"media/runs/{pk}" for pk in Run.objects.values_list("pk", flat=True).iterator(chunk_size=CHUNK))
    artifacts = Model.objects.values_list("artifact", flat=True)
    reports = Report.objects.values_list("path", flat=True)
    yield from (f"media/{path}" for path in chain(artifacts.iterator(), reports.iterator()))
    for index in Index.objects.iterator(chunk_size=CHUNK):
        yield f"media/{index.path}"
        yield f"media/{index.map_key}"
    yield from (f"media/searches/{pk}.jpg" for pk in _own_pictures().values_list("pk", flat=True).iterator())


def _own_pictures() -> QuerySet[Search]:
    """Return the searches that keep an uploaded picture."""
    return Search.stored.filter(query_image=None, root=None)


def _images() -> QuerySet[Image]:
    return Image.objects.select_related("dataset").only("path", "sha256", "dataset__slug")


def _training_from_weights() -> QuerySet[Experiment]:
    active = Q(runs__job__state__in=Job.ACTIVE) | Q(tunings__job__state__in=Job.ACTIVE)
    return Experiment.objects.exclude(weights="").filter(active).distinct()


def _queued() -> QuerySet[Job]:
    """Return the jobs that have not begun: a running one may have used its upload up."""
    return Job.objects.filter(state=Job.State.QUEUED)


def _of_dataset(row: Dataset) -> Iterator[NeededFile]:
    if row.is_ready:
        for name in ("dataset.json", "images.csv"):
            yield NeededFile(f"media/datasets/{row.folder.name}/{name}", _name(row))
    elif row.job and row.job.state == Job.State.QUEUED and is_upload(row.source):
        yield NeededFile(_upload(row.source), _name(row))


def _of_image(row: Image) -> Iterator[NeededFile]:
    yield NeededFile(f"media/datasets/{row.dataset.folder.name}/images/{row.path}", _name(row), row.sha256)


def _of_model(row: Model) -> Iterator[NeededFile]:
    for name in ("model.json", "images.csv"):
        yield NeededFile(f"media/{row.artifact}/{name}", _name(row))
    own = "" if row.has_network else row.weights_sha256  # they have no other checksum
    yield NeededFile(f"media/{row.artifact}/embeddings.npy", _name(row), own)
    if row.has_network:
        names = {file.path for file in store().files(row.artifact)}
        weights = next((name for name in WEIGHTS.values() if name in names), WEIGHTS["timm"])
        yield NeededFile(f"media/{row.artifact}/{weights}", _name(row), row.weights_sha256)


def _of_index(row: Index) -> Iterator[NeededFile]:
    yield NeededFile(f"media/{row.path}/manifest.json", _name(row))
    for name, seal in row.manifest["files"].items():
        yield NeededFile(f"media/{row.path}/{name}", _name(row), seal["sha256"], seal["bytes"])


def _of_report(row: Report) -> Iterator[NeededFile]:
    yield NeededFile(f"media/{row.path}/report.json", _name(row))


def _of_search(row: Search) -> Iterator[NeededFile]:
    yield NeededFile(f"media/{row.upload_key}", _name(row))


def _of_experiment(row: Experiment) -> Iterator[NeededFile]:
    yield NeededFile(f"{WEIGHTS_FOLDER}/{row.weights}", _name(row))


def _of_job(row: Job) -> Iterator[NeededFile]:
    source = str(row.payload.get("source", ""))
    if is_upload(source):
        yield NeededFile(_upload(source), _name(row))
    if row.payload.get("upload"):
        yield NeededFile(_upload(f"{UPLOAD}{row.payload['upload']}"), _name(row))


def _of_upload(row: Upload) -> Iterator[NeededFile]:
    yield NeededFile(_upload(f"{UPLOAD}{row.folder.name}"), _name(row))


def _upload(source: str) -> str:
    """Return the path of an uploaded source: a file where its name says so, else a folder."""
    name = source.removeprefix(UPLOAD)
    return f"media/uploads/{name}" + ("" if Path(name).suffix else "/")


def _name(row: Row) -> tuple[str, Any]:
    return type(row).__name__, row.pk


@dataclass(frozen=True)
class _Rule:
    """Which rows of a kind need files, and which."""

    rows: Callable[[], QuerySet[Any]]
    files: Callable[[Any], Iterator[NeededFile]]


RULES: dict[type[Row], _Rule] = {
    Dataset: _Rule(lambda: Dataset.objects.select_related("job"), _of_dataset),
    Image: _Rule(_images, _of_image),
    Model: _Rule(Model.objects.all, _of_model),
    Index: _Rule(Index.objects.all, _of_index),
    Report: _Rule(Report.objects.all, _of_report),
    Search: _Rule(_own_pictures, _of_search),
    Experiment: _Rule(_training_from_weights, _of_experiment),
    Job: _Rule(_queued, _of_job),
    Upload: _Rule(lambda: Upload.objects.filter(files__gt=0), _of_upload),
}
