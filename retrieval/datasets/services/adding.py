"""Adding pictures to an imported data set: to one class, or by their class folders."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts import audit
from accounts.models import User
from config.errors import Rejected
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.artifacts import read_json
from mlcore.datasets import DatasetFolder, Picture, open_source
from mlcore.datasets.archive_formats import is_archive_name
from retrieval.datasets.services.catalogue import locked, publish_revision
from retrieval.datasets.services.changes import (
    ADDED,
    asked_by,
    free_path,
    put_in_place,
    refusals_fail,
    store_rows,
    submit_change,
    taken_aside,
)
from retrieval.datasets.services.classes import (
    SPLITS,
    add_classes,
    class_named,
    fit_name,
    labels_by_name,
    name_of,
    needs_split,
    split_in,
    unused_name,
)
from retrieval.datasets.services.counted_changes import Change
from retrieval.datasets.services.revisions import follow_up_revision
from retrieval.datasets.services.thumbnails import fill_looks
from retrieval.datasets.services.upload_files import fetched_upload, write_file
from retrieval.models import Dataset
from retrieval.models.upload import uploads
from storage.store import key_of, store
from storage.transfers import discard


def submit_pictures(
    dataset: Dataset,
    files: "Sequence[UploadedFile[bytes]]",
    name: str,
    *,
    new: bool = False,
    split: str = "",
    by: User | None,
) -> Job:
    """Queue the adding of pictures, or of one archive of them, to an existing or a `new` class.

    split: "train" or "test", of a new class.

    Raises:
        Rejected: there is no file, they are too large, there is no such class, the new one's name is taken, or
            another job is changing the data set.
    """
    if new and split not in SPLITS:
        raise needs_split(name.strip())
    wanted = _new_name(dataset, name) if new else name_of(dataset, class_named(dataset, name))
    folder = _keep(files)
    try:
        with transaction.atomic():
            payload = {"upload": folder.name, "name": wanted, "split": split}
            job = submit_change("add-pictures", dataset, payload, by=by)
            audit.record(by, "add-pictures", dataset.name, files=len(files), into=wanted)
            return job
    except BaseException:
        discard(key_of(folder))
        raise


def _new_name(dataset: Dataset, name: str) -> str:
    return unused_name(dataset, name)


def _keep(files: "Sequence[UploadedFile[bytes]]") -> Path:
    """Store files in a new folder; the sender's file names are kept as names, never as paths."""
    if not files:
        raise Rejected("choose pictures, or one archive of them")
    archives = [file for file in files if is_archive_name(file.name or "")]
    if archives and len(files) > 1:
        raise Rejected(
            f"send either pictures or one archive, not {len(files)} files with {archives[0].name} among them"
        )
    if sum(file.size or 0 for file in files) > settings.ARCHIVE_MAX_BYTES:
        raise Rejected(
            f"the files are larger than {settings.ARCHIVE_MAX_BYTES // 2**20:,} MB together; send fewer at once"
        )
    folder = uploads() / f"pictures-{uuid.uuid4()}"
    folder.mkdir(parents=True)
    try:
        for number, file in enumerate(files):
            place = folder / str(number)  # two files may have one name
            place.mkdir()
            write_file(file, place / (Path(file.name or "").name or "picture"))
        store().put(key_of(folder))
    except BaseException:
        discard(key_of(folder))
        raise
    return folder


def run_add_pictures_job(
    context: JobContext, dataset: int, upload: str, *, name: str, split: str = "", half: str = ""
) -> Mapping[str, object]:
    """Add uploaded pictures to a class, or to classes by their folders. Safe to run again.

    Skips pictures that the class already has. name: "" takes the folders' names.
    half: the split in jobs that 0.1.0 queued, "train" or "held out".
    """
    split = split or ("test" if half == "held out" else half)
    folder, row = fetched_upload(upload), Dataset.objects.get(pk=dataset)
    name = name or ("" if row.labelled else name_of(row, 0))
    where = _what_to_open(folder)
    with (
        open_source(where, flat=bool(name), classes=not name, progress=context.progress) as source,
        taken_aside(source, row, context) as aside,
        refusals_fail(),
    ):
        context.check()
        added = _add(context, row, aside, name, split)
        report = read_json(aside.folder / "report.json")
    fill_looks(row, context.progress)
    discard(key_of(folder))
    left = len(aside.pictures) - added
    totals = report["totals"]
    skipped = f", {totals['skipped']:,} skipped" if totals["skipped"] else ""
    context.say(f"{added} added, {left} already there, {totals['broken']:,} not readable{skipped}")
    return {
        "dataset": row.pk,
        "added": added,
        "there_already": left,
        "broken": report["broken"],
        "skipped": report["skipped"],
    }


def _what_to_open(folder: Path) -> Path:
    if not folder.is_dir():
        raise JobFailed("the uploaded pictures are gone; upload them again")
    archives = [file for file in folder.glob("*/*") if is_archive_name(file.name)]
    return archives[0] if archives else folder


@transaction.atomic
def _add(context: JobContext, dataset: Dataset, aside: DatasetFolder, name: str, split: str) -> int:
    row = locked(dataset)
    places = _places(row, [name] if name else aside.classes, split)
    present = set(row.images.filter(label__in=[label for label, _ in places]).values_list("label", "sha256"))
    own = f"{ADDED}{context.job_id}/"  # no other path can be the same
    taken = {path.casefold() for path in row.images.filter(path__startswith=own).values_list("path", flat=True)}
    new: list[tuple[Picture, str, int, str]] = []
    for picture in aside.pictures:
        label, split = places[picture.label]
        if (label, picture.sha256) not in present:
            present.add((label, picture.sha256))
            file = Path(picture.path).name if name else picture.path
            new.append((picture, free_path(file, context.job_id, taken, ADDED), label, split))
    if new:
        put_in_place(row, aside, [(picture, path) for picture, path, _, _ in new])
        change = Change(row, {label for _, _, label, _ in new})
        store_rows(row, new)
        change.gain((label, split, picture.sha256) for picture, _, label, split in new)
        into = sorted({label for _, _, label, _ in new})
        target = name_of(row, into[0]) if len(into) == 1 else f"{len(into):,} classes"
        publish_revision(row, f"{len(new):,} pictures added to {target}", change)
        follow_up_revision(row, by=asked_by(context))
    return len(new)


def labels_by_folder(row: Dataset) -> dict[str, int]:
    """Return the label of each class that has a picture, by its name in lower case, also without superfluous spaces."""
    named = labels_by_name(row)
    return {_joined(name): named[name] for name in reversed(named)} | named


def label_of_folder(by_name: Mapping[str, int], name: str) -> int | None:
    """Return the label of the class that a folder's pictures join, among `labels_by_folder`; None for a new one.

    An imported class may have a name that none would be made with: it is found by that very name first.
    """
    return by_name.get(name.strip().casefold(), by_name.get(_joined(name)))


def _joined(name: str) -> str:
    return " ".join(name.split()).casefold()


def _places(row: Dataset, names: Sequence[str], split: str) -> list[tuple[int, str]]:
    """Return label and split of each class of that name, made where it is new."""
    by_name, labels = labels_by_folder(row), []
    made: list[str] = []
    first = row.classes.count()
    for name in names:
        label = label_of_folder(by_name, name)
        if label is None:
            if split not in SPLITS:  # the class was removed since the job was queued
                raise JobFailed(f"{row.name} no longer has a class {name!r}; add the pictures to another")
            words, label = fit_name(name), first + len(made)
            by_name[words.casefold()] = label
            made.append(words)
        labels.append(label)
    add_classes(row, made)
    return [(label, split_in(row, label, split)) for label in labels]
