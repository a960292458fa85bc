"""Another import of a data set: known pictures keep their id, new ones are added, missing ones are hidden."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts import audit
from accounts.models import User
from config.errors import Rejected
from jobs.context import JobContext
from jobs.models import Job
from mlcore.artifacts import read_json
from mlcore.datasets import DatasetFolder, Picture, Source, open_source
from mlcore.datasets.import_report import updated
from mlcore.datasets.layout_choices import LayoutChoices
from mlcore.datasets.layout_detection import with_class_names
from retrieval.datasets.services.catalogue import locked, publish_revision
from retrieval.datasets.services.changes import (
    ADDED,
    BATCH,
    REPLACED,
    asked_by,
    free_path,
    put_in_place,
    refusals_fail,
    store_rows,
    submit_change,
    taken_aside,
)
from retrieval.datasets.services.classes import add_classes, checked_name, labels_by_name, split_in
from retrieval.datasets.services.counted_changes import counted_change
from retrieval.datasets.services.layouts import Layout, stored_choices
from retrieval.datasets.services.revisions import follow_up_revision
from retrieval.datasets.services.sources import (
    checked_source,
    forget_upload,
    is_upload,
    keep_upload,
    kept_at,
    place_to_open,
    rechecked_source,
    source_of,
)
from retrieval.datasets.services.thumbnails import fill_looks
from retrieval.datasets.services.upload_files import check_not_empty
from retrieval.datasets.services.uploads import take_upload
from retrieval.models import Dataset, Image, Upload
from storage.store import store


def submit_reimport(
    dataset: Dataset,
    archive: "UploadedFile[bytes] | None" = None,
    source: str = "",
    *,
    upload: Upload | None = None,
    layout: Layout | None = None,
    dry_run: bool = False,
    by: User | None,
) -> Job:
    """Queue another import from an upload or a server path, or from the source of the last import.

    layout: what to read otherwise than found; None: as the last import did.
    dry_run: only report what would change; the upload can be used again.

    Raises:
        Rejected: the path does not exist or is not allowed, the source was an upload, choices about the layout meet
            no labels, or another job is changing the data set.
    """
    choices = dataset.layout if layout is None else stored_choices(layout, labelled=dataset.labelled)
    where = _place_to_read(dataset, archive, source.strip(), upload, by)
    payload = {"source": where, "dry_run": dry_run, "layout": choices}
    try:
        with transaction.atomic():
            job = submit_change("reimport", dataset, payload, by=by)
            if upload and not dry_run:
                take_upload(upload)
            if not dry_run:
                audit.record(by, "reimport-dataset", dataset.name, source=where)
            return job
    except BaseException:
        if archive:
            forget_upload(where)
        raise


def _place_to_read(
    dataset: Dataset, archive: "UploadedFile[bytes] | None", source: str, upload: Upload | None, by: User | None
) -> str:
    if upload:
        check_not_empty(upload)
        return source_of(upload)
    if archive:
        return keep_upload(archive)
    if source:
        return checked_source(source, by)
    if is_upload(dataset.source):
        raise Rejected(
            f"{dataset.name} came from an upload, which was not kept; upload one again, or enter a server path"
        )
    return rechecked_source(dataset.source)


def run_reimport_job(
    context: JobContext,
    dataset: int,
    source: str,
    *,
    dry_run: bool | None = None,
    dry: bool = False,
    layout: Layout | None = None,
) -> Mapping[str, object]:
    """Import a data set again. Safe to run again.

    dry: dry_run in jobs that 0.1.0 queued, which have no `layout`.
    """
    dry_run = dry if dry_run is None else dry_run
    row = Dataset.objects.get(pk=dataset)
    choices = LayoutChoices.from_json(row.layout if layout is None else layout)
    unnamed = replace(choices, class_names={})
    where = place_to_open(source)
    with (
        open_source(
            where, flat=not row.labelled, choices=unnamed, like=row.class_names, progress=context.progress
        ) as opened,
        taken_aside(_named(opened, choices.class_names), row, context) as aside,
        refusals_fail(),
    ):
        context.check()
        counts = _compare_and_store(context, row, aside, _Origin(source, choices), dry_run)
    fill_looks(row, context.progress)
    if not (dry_run and kept_at(source).is_dir()):  # a folder that was only looked into is free for another job
        forget_upload(source)
    words = "{unchanged} unchanged, {moved} moved, {added} new, {hidden} hidden".format(**counts)
    context.say(f"dry run, nothing changed: {words}" if dry_run else words)
    return {"dataset": row.pk, **counts}


@dataclass(frozen=True)
class _Origin:
    """What was read, as a data set stores it, and how."""

    source: str
    layout: LayoutChoices


def _named(source: Source, names: Mapping[str, str]) -> Source:
    """Return the source with the chosen names of its classes; one that is not there any more needs none."""
    return with_class_names(source, {name: names[name] for name in source.classes if name in names})


class Counts(TypedDict):
    """How many pictures another import leaves, moves, adds and hides, and the names of new classes."""

    unchanged: int
    moved: int
    added: int
    hidden: int
    classes: list[str]


@dataclass
class _Comparison:
    """Pictures of a source matched with rows, and pictures and rows without a match."""

    same: list[tuple[Picture, Image]] = field(default_factory=list)
    moved: list[tuple[Picture, Image]] = field(default_factory=list)
    new: list[Picture] = field(default_factory=list)
    gone: list[Image] = field(default_factory=list)


def _compared(rows: Sequence[Image], pictures: Sequence[Picture]) -> _Comparison:
    """Match by path and content, then what is left by content alone: a file that was moved or renamed."""
    comparison = _Comparison()
    left: list[Picture] = []
    by_both = {(row.path, row.sha256): row for row in rows}
    for picture in pictures:
        row = by_both.pop((picture.path, picture.sha256), None)
        if row is not None:
            comparison.same.append((picture, row))
        else:
            left.append(picture)
    by_content: dict[str, list[Image]] = {}
    for row in by_both.values():
        by_content.setdefault(row.sha256, []).append(row)
    for picture in left:
        others = by_content.get(picture.sha256)
        if others:
            comparison.moved.append((picture, others.pop()))
        else:
            comparison.new.append(picture)
    # Curators added the others: no source has those, so they are not missing.
    comparison.gone = [row for others in by_content.values() for row in others if not row.path.startswith(ADDED)]
    return comparison


@transaction.atomic
def _compare_and_store(
    context: JobContext, dataset: Dataset, aside: DatasetFolder, origin: _Origin, dry_run: bool
) -> Counts:
    row = locked(dataset)
    images = list(row.images.order_by("pk").defer("look"))
    comparison = _compared(images, aside.pictures)
    if not comparison.same and not comparison.moved:
        raise Rejected(f"no picture there is in {row.name}; import it as a new data set")
    labels, made = _labels_here(row, aside, comparison)
    places = _places(row, aside, labels)
    touched = [image.pk for image in [*(image for _, image in comparison.moved), *comparison.gone]]
    with counted_change(row, touched, {label for label, _ in places.values()}) as change:
        moved = _take_up_moves(comparison, places)
        gone = _hide(row, [image.pk for image in comparison.gone])
    counts: Counts = {
        "unchanged": len(comparison.same),
        "moved": moved,
        "added": len(comparison.new),
        "hidden": gone,
        "classes": made,
    }
    if dry_run:
        transaction.set_rollback(True)
    elif moved or gone or comparison.new:
        _take_up_new(context.job_id, row, aside, comparison.new, places)
        change.gain((*places[picture.label], picture.sha256) for picture in comparison.new)
        _store_report(row, aside, counts, origin)
        publish_revision(row, f"imported again: {len(comparison.new):,} new, {moved:,} moved, {gone:,} hidden", change)
        follow_up_revision(row, by=asked_by(context))
    return counts


Places = dict[int, tuple[int, str]]
"""The label and the split here of each of the source's labels."""


def _hide(row: Dataset, pictures: Sequence[int]) -> int:
    """Hide pictures; return how many were visible."""
    parts = (pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH))
    return sum(row.images.filter(pk__in=part, hidden=False).update(hidden=True) for part in parts)


def _take_up_new(job: int, row: Dataset, aside: DatasetFolder, pictures: Sequence[Picture], places: Places) -> None:
    taken = {path.casefold() for path in row.images.values_list("path", flat=True)}
    # A host may still have a copy of a deleted picture, so no path is used twice where there are several hosts.
    prefix = REPLACED if store().is_shared else ""
    new = [(picture, free_path(picture.path, job, taken, prefix)) for picture in pictures]
    put_in_place(row, aside, new)
    store_rows(row, [(picture, path, *places[picture.label]) for picture, path in new])


def _store_report(row: Dataset, aside: DatasetFolder, counts: Counts, origin: _Origin) -> None:
    """Store the import report, the counts of changes, and how the source was read."""
    report = read_json(aside.folder / "report.json")
    kept = {
        key: report[key] for key in ("duplicates", "conflicting", "broken", "skipped", "empty", "remarks", "totals")
    }
    row.report = updated(row.report, {**kept, "reimport": counts})
    row.layout = origin.layout.to_json()
    if not is_upload(origin.source):
        row.source = origin.source
    row.save(update_fields=["source", "layout"])


def _labels_here(row: Dataset, aside: DatasetFolder, comparison: _Comparison) -> tuple[dict[int, int], list[str]]:
    """Return the label here of each of the source's, and the names of the classes made for it.

    A class is the one in which most of its unchanged pictures are, for curators may have renamed or merged it;
    else the one of its name; else a new one.
    """
    votes: dict[int, Counter[int]] = {}
    for picture, image in comparison.same:
        votes.setdefault(picture.label, Counter())[image.label] += 1
    here: dict[int, int] = {}
    made: list[str] = []
    named, first = labels_by_name(row), row.classes.count()
    for label in sorted({picture.label for picture in aside.pictures}):
        name = aside.classes[label]
        target = votes[label].most_common(1)[0][0] if label in votes else named.get(name.strip().casefold())
        if target is None:
            target = first + len(made)
            made.append(checked_name(row, name, named))
        here[label] = target
    add_classes(row, made)
    return here, made


def _places(row: Dataset, aside: DatasetFolder, labels: dict[int, int]) -> Places:
    """Return where what joins each class goes: its split is the class's here, or the source's for a new one."""
    splits = {picture.label: "train" if picture.split == "train" else "test" for picture in aside.pictures}
    return {label: (labels[label], split_in(row, labels[label], split)) for label, split in splits.items()}


def _take_up_moves(comparison: _Comparison, places: Places) -> int:
    """Give a picture whose file was moved to another class that class; what curators said of the others stays."""
    count = 0
    for picture, image in comparison.moved:
        label, split = places[picture.label]
        if image.label != label:
            Image.objects.filter(pk=image.pk).update(label=label, split=split)
            count += 1
    return count
