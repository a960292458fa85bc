"""Catalogue files of a data set, which training and indexing read, and its revisions.

The rows are the source of truth. A change only writes rows; the next job that reads the files writes them before.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from config.errors import Conflict, Rejected
from mlcore.artifacts import read_json
from mlcore.datasets import DatasetFolder, Picture, load_dataset
from mlcore.datasets.catalogue import CONTENT_RANGE, stage_catalogue
from mlcore.datasets.source import KS
from mlcore.datasets.splits import MIN_TEST_CLASSES, MIN_TRAIN_CLASSES
from mlcore.errors import DatasetError
from mlcore.events import Progress
from retrieval.datasets.services.changed_pictures import mark_changed, mark_deleted
from retrieval.datasets.services.counted_changes import Change, store_counts
from retrieval.models import Dataset
from storage.store import key_of, store
from storage.transfers import fetch_all

TRIES = 3
CHUNK = 2000  # rows of one fetch
ABOUT = "dataset.json"  # the one list of which the storage has a copy: the rows do not say all of it
FIELDS = ("pk", "path", "label", "split", "sha256", "width", "height")
"""Of an image's row, in the order of a Picture's."""


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

    Changes only write rows, so the job that reads the files next writes them, and stores the fingerprint. The row is
    held for a moment at the end, not while pictures are read: curators need not wait for a job.

    Raises:
        Rejected: the rows make no usable data set.
    """
    row = Dataset.objects.get(pk=dataset)
    catalogue = _stored(row)
    if catalogue is not None:
        return row, catalogue
    for _ in range(TRIES):
        row = Dataset.objects.get(pk=dataset)
        if (catalogue := _written(row)) is not None:
            return row, catalogue
    with transaction.atomic():  # somebody changes it all the time, and now waits
        row = Dataset.objects.select_for_update().get(pk=dataset)
        catalogue = _written(row)
    if catalogue is None:
        raise AssertionError(f"data set {dataset} changed while its row was held")
    return row, catalogue


def catalogue_with_pictures(dataset: int, progress: Progress) -> tuple[Dataset, DatasetFolder]:
    """Return what `fresh_catalogue` does, once all pictures lie on this host: a child process reads them by path."""
    row, catalogue = fresh_catalogue(dataset)
    fetch_pictures(catalogue, catalogue.pictures, progress)
    return row, catalogue


def fetch_pictures(catalogue: DatasetFolder, pictures: Iterable[Picture], progress: Progress) -> None:
    """See that the files of these pictures of a data set lie on this host."""
    fetch_all([key_of(catalogue.picture_path(picture)) for picture in pictures], progress)


def _stored(row: Dataset) -> DatasetFolder | None:
    """Return the files of a data set; None unless they say what the rows say."""
    if not row.fingerprint:
        return None
    try:
        catalogue = load_dataset(row.folder)
    except DatasetError:
        return None
    words = (catalogue.fingerprint, catalogue.licence, catalogue.classes)
    if words != (row.fingerprint, row.licence, tuple(row.class_names)):
        return None
    shown = row.images.filter(hidden=False).order_by("pk").values_list("pk", flat=True)
    ids = np.fromiter(shown.iterator(chunk_size=CHUNK), np.int64)
    return catalogue if np.array_equal(np.sort(catalogue.ids), ids) else None


def _written(row: Dataset) -> DatasetFolder | None:
    """Write the files of a revision and store its fingerprint; None if the data set has another revision by then."""
    about: Mapping[str, Any] = read_json(store().local_copy(f"{row.storage_key}/{ABOUT}"))
    shown = row.images.filter(hidden=False).order_by("pk").values_list(*FIELDS)
    pictures = tuple(Picture(*values) for values in shown.iterator(chunk_size=CHUNK))
    classes, ks, source = tuple(row.class_names), tuple(about.get("ks", KS)), str(about.get("source", ""))
    try:
        staged = stage_catalogue(
            row.folder, name=row.name, classes=classes, rows=pictures, licence=row.licence, source=source, ks=ks
        )
    except DatasetError as error:
        raise Rejected(f"{row.name} is not usable: {error}") from error
    try:
        with transaction.atomic():
            now = Dataset.objects.select_for_update().get(pk=row.pk)
            if now.revision != row.revision:
                return None
            _store_fingerprint(now, staged.fingerprint)
            staged.put_in_place()
    finally:
        staged.discard()
    row.fingerprint, row.history = now.fingerprint, now.history
    return DatasetFolder(row.folder, row.name, classes, pictures, row.fingerprint, row.licence, source, ks)


def _store_fingerprint(row: Dataset, fingerprint: str) -> None:
    """Store the fingerprint of the present revision, in the row and in its history."""
    row.fingerprint = fingerprint
    if row.history:
        row.history[-1]["fingerprint"] = fingerprint
    row.save(update_fields=["fingerprint", "history"])


def publish_revision(row: Dataset, what: str, change: Change) -> None:
    """Make a change of this transaction the next revision: update counts, history and the marks of its pictures.

    The files are left to the job that reads them next, and so is the fingerprint, unless the pictures are those of an
    earlier revision.

    Raises:
        Rejected: too few pictures or classes would stay.
    """
    before = {"revision": row.revision, "fingerprint": row.fingerprint, "at": None, "what": "imported"}
    row.history = row.history or [before]
    store_counts(row, change)
    last = row.history[-1]
    last.setdefault("offset", _hex(0))
    offset = _hex((int(last["offset"], 16) + change.offset) % CONTENT_RANGE)
    same = (entry["fingerprint"] for entry in reversed(row.history) if entry.get("offset") == offset)
    row.fingerprint = next(filter(None, same), "")
    row.revision += 1
    now = timezone.now().isoformat(timespec="seconds")
    entry = {"revision": row.revision, "fingerprint": row.fingerprint, "offset": offset, "at": now, "what": what}
    row.history.append(entry)
    row.save(update_fields=["fingerprint", "report", "revision", "history"])
    mark_changed(change.keys, row.revision)
    mark_deleted(row, change.deleted, row.revision)


def _hex(number: int) -> str:
    return f"{number:064x}"
