"""Catalogue files of a data set, which training and indexing read, and its revisions.

The rows are the source of truth. A change locks the data set's row and writes the files last before the commit.
After a crash the files may be ahead of the rows; the next reader writes them again.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from config.errors import Conflict, Rejected
from mlcore.artifacts import read_json
from mlcore.datasets import DatasetFolder, Picture, load_dataset, write_catalogue
from mlcore.datasets.import_report import shortened, updated
from mlcore.datasets.source import KS
from mlcore.datasets.splits import MIN_TEST_CLASSES, MIN_TRAIN_CLASSES
from mlcore.datasets.statistics import count_pictures
from mlcore.errors import DatasetError
from retrieval.models import Dataset, Image


def locked(dataset: Dataset) -> Dataset:
    """Return the row as it is now, held until the transaction ends: two curators wait for each other.

    Raises:
        Conflict: its import has not ended well, so there is nothing to change yet.
    """
    row = Dataset.objects.select_for_update().get(pk=dataset.pk)
    if not row.is_ready:
        raise Conflict(f"{row.name} is not imported yet; wait for its job")
    return row


def require_labels(dataset: Dataset) -> None:
    """Check that a data set can be used for training and evaluation.

    Raises:
        Rejected: it has none, or hiding and moving pictures has left one split with too few classes.
    """
    if not dataset.labelled:
        raise Rejected(f"{dataset.name} has no labels: it can be searched but not used for training or evaluation")
    train, test = dataset.report.get("train_classes", 0), dataset.report.get("test_classes", 0)
    if train < MIN_TRAIN_CLASSES or test < MIN_TEST_CLASSES:
        raise Rejected(
            f"{dataset.name} has {train} training and {test} held-out classes with visible pictures; "
            f"it needs at least {MIN_TRAIN_CLASSES} and {MIN_TEST_CLASSES}"
        )


def fresh_catalogue(dataset: int) -> tuple[Dataset, DatasetFolder]:
    """Return a data set and its files, which say the same; written again where they do not.

    Whoever died between files and commit, or between the two files, left them apart.
    """
    with transaction.atomic():
        row = Dataset.objects.select_for_update().get(pk=dataset)
        catalogue: DatasetFolder | None
        try:
            catalogue = load_dataset(row.folder)
        except DatasetError:
            catalogue = None
        if catalogue is None or catalogue.fingerprint != row.fingerprint or set(catalogue.ids.tolist()) != _shown(row):
            write_rows(row)
            catalogue = load_dataset(row.folder)
        return row, catalogue


def _shown(row: Dataset) -> set[int]:
    return set(row.images.filter(hidden=False).values_list("pk", flat=True))


def write_rows(row: Dataset) -> None:
    """Write the catalogue of the pictures that are not hidden; put fingerprint and counts into the row, not saved.

    Raises:
        Rejected: too few pictures or classes would stay.
    """
    about: Mapping[str, Any] = read_json(row.folder / "dataset.json")
    pictures = [_picture(image) for image in row.images.filter(hidden=False)]
    classes = row.class_names
    try:
        row.fingerprint = write_catalogue(
            row.folder,
            name=row.name,
            classes=classes,
            rows=pictures,
            licence=row.licence,
            source=str(about.get("source", "")),
            ks=about.get("ks", KS),
        )
    except DatasetError as error:
        raise Rejected(f"{row.name} would be left unusable: {error}") from error
    counts = count_pictures(classes, pictures)
    part = shortened({**counts, "singleton_classes": list(counts["singleton_classes"])})
    row.report = updated(row.import_report, part)


def _picture(image: Image) -> Picture:
    return Picture(image.pk, image.path, image.label, image.split, image.sha256, image.width, image.height)


def publish_revision(row: Dataset, what: str) -> None:
    """Make the changes of this transaction the next revision: update counts, files and history.

    Raises:
        Rejected: too few pictures or classes would stay.
    """
    before = {"revision": row.revision, "fingerprint": row.fingerprint, "at": None, "what": "imported"}
    row.history = row.history or [before]
    row.revision += 1
    write_rows(row)
    now = timezone.now().isoformat(timespec="seconds")
    row.history.append({"revision": row.revision, "fingerprint": row.fingerprint, "at": now, "what": what})
    row.save(update_fields=["fingerprint", "report", "revision", "history"])
