"""Changes that curators make to an imported data set. Each is one revision and queues the rebuild of indexes."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from accounts import audit
from accounts.models import User
from config.errors import Conflict, Rejected
from retrieval.datasets.services.bounds import checked_choice, counted, require_both_splits, require_enough
from retrieval.datasets.services.catalogue import locked, publish_revision
from retrieval.datasets.services.classes import class_named, move_to_class, name_of, new_class, unused_name
from retrieval.datasets.services.counted_changes import Change, counted_change, singletons_named
from retrieval.datasets.services.revisions import follow_up_revision
from retrieval.datasets.services.visibility import pictures_being_deleted, set_public
from retrieval.models import Dataset, Image


def state_of_pictures(row: Dataset) -> str:
    """Return what a form about pictures or classes was filled in by: the revision, which counts their changes."""
    return str(row.revision)


def state_of_class(row: Dataset, label: int) -> str:
    """Return what a form about a class was filled in by; a new name makes no revision."""
    return f"{row.revision}:{_digest(name_of(row, label))}"


def state_of_words(row: Dataset) -> str:
    """Return what a form about licence and attribution was filled in by."""
    return _digest(f"{row.licence}\0{row.attribution}")


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:16]


@contextmanager
def unless_changed(dataset: Dataset, seen: str, what: str, label: int | None = None) -> Iterator[None]:
    """Change a data set in the block only if it still is as a form has `seen` it; an empty `seen` checks nothing.

    what: "pictures", "class" with its `label`, or "words".

    Raises:
        Conflict: somebody, or another tab, changed it meanwhile.
    """
    with transaction.atomic():
        row = locked(dataset)
        if seen and seen != form_state(row, what, label):
            raise Conflict(
                f"{row.name} was changed after you opened this page, in another tab or by somebody else. "
                "The page shows it as it is now; check your entries and send them again"
            )
        yield


def form_state(row: Dataset, what: str, label: int | None = None) -> str:
    """Return the state of what a form changes: see `unless_changed`."""
    if what == "words":
        return state_of_words(row)
    return state_of_pictures(row) if label is None else state_of_class(row, label)


@transaction.atomic
def set_hidden(dataset: Dataset, pictures: Sequence[int], hidden: bool, *, by: User | None) -> int:
    """Hide pictures from search, training and evaluation, or unhide them; return how many changed.

    Results leave them out at once, indexes when they are rebuilt.

    Raises:
        Rejected: none or too many are selected, one is not of the data set, or too little would be left.
        Conflict: one is to be shown whose deletion is queued.
    """
    row = locked(dataset)
    selected = checked_choice(row, pictures)
    if not hidden and pictures_being_deleted().intersection(selected):
        raise Conflict(f"some of these pictures of {row.name} are being deleted; cancel that job first")
    changing = list(row.images.filter(pk__in=selected).exclude(hidden=hidden).values_list("pk", flat=True))
    count = len(changing)
    if count:
        with counted_change(row, changing) as change:
            row.images.filter(pk__in=changing).update(hidden=hidden)
        require_enough(row)
        _publish(row, f"{counted(count)} {'hidden' if hidden else 'unhidden'}", change, by)
        audit.record(by, "hide-pictures" if hidden else "show-pictures", row.name, pictures=count)
    return count


@transaction.atomic
def relabel(
    dataset: Dataset, pictures: Sequence[int], name: str, *, new: bool = False, split: str = "", by: User | None
) -> int:
    """Move pictures into a class, an existing or a `new` one; return how many changed.

    split: "train" or "test", of a new class.

    Raises:
        Rejected: none or too many are selected, one is not of the data set, there is no such class, or the new
            one's name is taken.
    """
    row = locked(dataset)
    selected = checked_choice(row, pictures)
    label = new_class(row, name) if new else class_named(row, name)
    moving = row.images.filter(pk__in=selected).exclude(label=label)
    keys = list(moving.values_list("pk", flat=True))
    with counted_change(row, keys, [label]) as change:
        count = move_to_class(row, keys, label, split)
    if count:
        require_both_splits(row)
        into = name_of(row, label)
        _publish(row, f"{counted(count)} moved to {into}", change, by)
        audit.record(by, "relabel-pictures", row.name, pictures=count, into=into)
    return count


@transaction.atomic
def merge_classes(dataset: Dataset, label: int, into: str, *, by: User | None) -> int:
    """Move every picture of a class into another, which keeps its name; return how many.

    Raises:
        Rejected: there is no such class, or it is the same, or one split would be left with too few classes.
    """
    row = locked(dataset)
    target, name = class_named(row, into), class_name(row, label)
    if target == label:
        raise Rejected(f"{name} cannot be merged into itself; choose another class")
    keys = list(row.images.filter(label=label).values_list("pk", flat=True))
    with counted_change(row, keys, [target]) as change:
        count = move_to_class(row, keys, target)
    require_both_splits(row)
    kept = name_of(row, target)
    _publish(row, f"{name} merged into {kept}", change, by)
    audit.record(by, "merge-classes", row.name, merged=name, into=kept, pictures=count)
    return count


@transaction.atomic
def rename_class(dataset: Dataset, label: int, name: str, *, by: User | None) -> None:
    """Rename a class. Models and indexes do not depend on names, so the revision stays.

    Raises:
        Rejected: there is no such class, or the name is empty, too long or taken.
    """
    row = locked(dataset)
    before = class_name(row, label)
    if " ".join(name.split()) == before:
        return
    after = unused_name(row, name, without=label)  # it may keep its own name
    row.classes.filter(label=label).update(name=after)
    listed = row.import_report.get("singleton_classes", [])
    if before in listed:
        row.report = {**row.import_report, "singleton_classes": singletons_named(row, {*listed, after})}
        row.save(update_fields=["report"])
    audit.record(by, "rename-class", row.name, before=before, after=after)


@transaction.atomic
def describe(dataset: Dataset, *, licence: str | None = None, attribution: str | None = None, by: User | None) -> None:
    """Set licence and attribution; pages show both with every picture.

    None leaves a field as it is; idempotent.

    Raises:
        Rejected: the import has not ended well.
    """
    row = locked(dataset)
    before = (row.licence, row.attribution)
    row.licence = row.licence if licence is None else licence.strip()
    row.attribution = row.attribution if attribution is None else attribution.strip()
    if (row.licence, row.attribution) == before:
        return
    row.save(update_fields=["licence", "attribution"])
    audit.record(by, "describe-dataset", row.name, licence=row.licence, attribution=row.attribution)


@transaction.atomic
def amend(
    dataset: Dataset,
    *,
    licence: str | None = None,
    attribution: str | None = None,
    public: bool | None = None,
    by: User | None,
) -> None:
    """Change fields of a data set, all of them or none; None leaves a field as it is.

    Raises:
        Rejected: licence or attribution, and the import has not succeeded.
    """
    if licence is not None or attribution is not None:
        describe(dataset, licence=licence, attribution=attribution, by=by)
    if public is not None:
        set_public(dataset, public, by=by)


@transaction.atomic
def amend_picture(image: Image, *, hidden: bool | None = None, class_name: str | None = None, by: User | None) -> None:
    """Hide or unhide a picture and move it to another class, both or neither; None leaves a field as it is.

    Raises:
        Rejected: as `relabel` and `set_hidden` do.
    """
    if class_name is not None:
        relabel(image.dataset, [image.pk], class_name, by=by)
    if hidden is not None:
        set_hidden(image.dataset, [image.pk], hidden, by=by)


def class_name(row: Dataset, label: int) -> str:
    """Return the name of a class that has pictures.

    Raises:
        Rejected: there is no such class.
    """
    if not row.images.filter(label=label).exists():
        raise Rejected(f"{row.name} has no class number {label}")
    return name_of(row, label)


def _publish(row: Dataset, what: str, change: Change, by: User | None) -> None:
    publish_revision(row, what, change)
    follow_up_revision(row, by=by)
