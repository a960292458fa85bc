"""Which pictures changed since a revision of their data set, by which a search corrects an index of that revision.

Every change of pictures makes a revision. Whoever hides, shows, moves or deletes pictures marks them with it, in the
transaction of the change: then no search after the commit shows what was hidden, whatever index it reads. A picture
that was only added needs no mark, for no earlier index holds it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from retrieval.models import Dataset, DeletedImage, Image

BATCH = 1000


@dataclass(frozen=True)
class ChangedPictures:
    """Pictures that changed since a revision, by key.

    gone: hidden or deleted. moved: label and split, as they are now, of those that are shown.
    """

    gone: frozenset[int]
    moved: Mapping[int, tuple[int, str]]


UNCHANGED = ChangedPictures(frozenset(), {})


def mark_changed(images: "QuerySet[Image] | Collection[int]", revision: int) -> None:
    """Note that a revision hid, showed or moved these pictures.

    A query set is evaluated now: where its filter depends on what changed, give the keys instead.
    """
    if isinstance(images, QuerySet):
        images.order_by().update(changed_revision=revision)
        return
    for keys in _batches(images):
        Image.objects.filter(pk__in=keys).update(changed_revision=revision)


def mark_deleted(dataset: Dataset, images: Collection[int], revision: int) -> None:
    """Note that a revision deleted the pictures that had these keys; safe to call again."""
    rows = [DeletedImage(dataset=dataset, revision=revision, key=key) for key in images]
    DeletedImage.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def changed_since(dataset: int, revision: int) -> ChangedPictures:
    """Return the pictures of a data set that changed after a revision. Two queries, both by an index."""
    rows = Image.objects.filter(dataset=dataset, changed_revision__gt=revision).order_by()
    deleted = DeletedImage.objects.filter(dataset=dataset, revision__gt=revision).order_by()
    gone, moved = set(deleted.values_list("key", flat=True)), dict[int, tuple[int, str]]()
    for key, label, split, hidden in rows.values_list("pk", "label", "split", "hidden"):
        if hidden:
            gone.add(key)
        else:
            moved[key] = (label, split)
    return ChangedPictures(frozenset(gone), moved) if gone or moved else UNCHANGED


def _batches(keys: Collection[int]) -> Iterator[Sequence[int]]:
    ordered = sorted(keys)
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]
