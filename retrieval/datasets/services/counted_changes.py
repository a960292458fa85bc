"""Changes of pictures, counted: what each does to the report of its data set, in the time of the change itself.

Nothing here reads the pictures that a change leaves alone: classes are looked at up to their second picture of a split.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery

from config.errors import Rejected
from mlcore.datasets.catalogue import CONTENT_RANGE, check_roles, content_number
from mlcore.datasets.import_report import LISTED, shortened, updated
from mlcore.datasets.source import QUERY, is_held_out
from mlcore.datasets.statistics import Tally, counts_of, without_match
from mlcore.errors import DatasetError
from retrieval.models import Dataset, Image

BATCH = 1000
COUNTED = {"images", "classes", "train_images", "test_images", "train_classes", "test_classes"}
ENOUGH = 2  # pictures of a class and split: whether there is none, one, or more decides everything


class Change:
    """What a change does to the visible pictures of a data set.

    keys: of the pictures that it hides, shows, moves or deletes; deleted: of those that are gone since. offset: what it
    adds to the sum of contents, by which a revision is known to equal an earlier one.
    """

    def __init__(self, row: Dataset, labels: Collection[int], keys: Collection[int] = ()) -> None:
        self.row, self.keys, self.labels = row, keys, frozenset(labels)
        self.before = few_pictures(row, self.labels)
        self.difference: Counter[tuple[int, str]] = Counter()
        self.offset = 0
        self.deleted: list[int] = []

    def gain(self, rows: Iterable[tuple[int, str, str]]) -> None:
        """Count pictures that became visible: label, split and SHA-256 of each."""
        self._count(rows, 1)

    def lose(self, rows: Iterable[tuple[int, str, str]]) -> None:
        """Count pictures that are no longer visible, or no longer what they were."""
        self._count(rows, -1)

    def _count(self, rows: Iterable[tuple[int, str, str]], sign: int) -> None:
        for label, split, sha256 in rows:
            self.difference[label, split] += sign
            self.offset = (self.offset + sign * content_number(sha256, label, split)) % CONTENT_RANGE


@contextmanager
def counted_change(row: Dataset, keys: Collection[int], labels: Collection[int] = ()) -> Iterator[Change]:
    """Count what the block does to the pictures of these keys. labels: of classes that they may join."""
    own = {label for part in _parts(row, keys) for label in part.values_list("label", flat=True)}
    change = Change(row, own | set(labels), keys)
    change.lose(_visible(row, keys))
    yield change
    change.gain(_visible(row, keys))
    left = {pk for part in _parts(row, keys) for pk in part.values_list("pk", flat=True)}
    change.deleted = sorted(set(keys) - left)


def _parts(row: Dataset, keys: Collection[int]) -> Iterator[QuerySet[Image]]:
    ordered = sorted(keys)
    for start in range(0, len(ordered), BATCH):
        yield row.images.filter(pk__in=ordered[start : start + BATCH]).order_by()


def _visible(row: Dataset, keys: Collection[int]) -> Iterator[tuple[int, str, str]]:
    for part in _parts(row, keys):
        yield from part.filter(hidden=False).values_list("label", "split", "sha256")


def few_pictures(row: Dataset, labels: Iterable[int]) -> Tally:
    """Return how many visible pictures each class has in each split, counted to ENOUGH; none is left out."""
    own = Image.objects.filter(dataset=row.pk, label=OuterRef("label"), hidden=False).order_by("pk").values("pk")
    places = {
        f"{split}_{n}": Subquery(own.filter(split=split)[n : n + 1]) for split in _splits() for n in range(ENOUGH)
    }
    tally: Counter[tuple[int, str]] = Counter()
    ordered = sorted(labels)
    for start in range(0, len(ordered), BATCH):
        part = row.classes.filter(label__in=ordered[start : start + BATCH]).order_by()
        for found in part.annotate(**places).values("label", *places):
            for split in _splits():
                count = sum(found[f"{split}_{n}"] is not None for n in range(ENOUGH))
                if count:
                    tally[found["label"], split] = count
    return tally


def _splits() -> list[str]:
    return list(Image.Split.values)


def store_counts(row: Dataset, change: Change) -> None:
    """Put the counts after a change into the row's report, not saved.

    Raises:
        Rejected: the data set would be left without a picture, or with a class or queries that cannot be measured.
    """
    report = row.import_report
    if report.keys() >= COUNTED:
        after = few_pictures(row, change.labels)
        _require_whole_classes(row, after)
        row.report = updated(report, {**_summed(report, change, after), **_singletons(row, report, change, after)})
    else:  # the report of a data set that was not imported by a job
        row.report = updated(report, _counted(row))
    if not row.report["images"]:
        raise Rejected(f"{row.name} would be left unusable: the data set holds no picture")
    _require_roles(row)


def _summed(report: Mapping[str, Any], change: Change, after: Tally) -> dict[str, int]:
    images = sum(change.difference.values())
    held_out = sum(count for (_, split), count in change.difference.items() if is_held_out(split))
    queries = sum(count for (_, split), count in change.difference.items() if split == QUERY)
    train, test = (_classes(after, part) - _classes(change.before, part) for part in (False, True))
    added = {
        "images": images,
        "classes": train + test,
        "train_images": images - held_out,
        "test_images": held_out,
        "train_classes": train,
        "test_classes": test,
        "query_images": queries,
    }
    return {name: report.get(name, 0) + count for name, count in added.items()}


def _classes(tally: Tally, held_out: bool) -> int:
    return len({label for label, split in tally if is_held_out(split) == held_out})


def _singletons(row: Dataset, report: Mapping[str, Any], change: Change, after: Tally) -> dict[str, Any]:
    """Return the list of singleton classes and its total, after a change of some classes."""
    were, are = set(without_match(change.before)), set(without_match(after))
    listed = report.get("singleton_classes", [])
    total = report["totals"].get("singleton_classes", len(listed)) + len(are) - len(were)
    if were != are:
        named = row.classes.filter(label__in=sorted(are - were)).values_list("name", flat=True)
        listed = singletons_named(row, {*listed, *named})
    return {"singleton_classes": listed, "totals": {"singleton_classes": total}}


def singletons_named(row: Dataset, names: Collection[str]) -> list[str]:
    """Return the names, by label, of the singleton classes that are called one of these, as many as a report lists."""
    called = dict(row.classes.filter(name__in=sorted(names)).values_list("label", "name"))
    return [called[label] for label in without_match(few_pictures(row, called))][:LISTED]


def _counted(row: Dataset) -> dict[str, Any]:
    """Count every visible picture."""
    rows = row.images.filter(hidden=False).order_by().values_list("label", "split").annotate(Count("pk"))
    counts = counts_of(row.class_names, {(label, split): count for label, split, count in rows})
    return shortened({**counts, "singleton_classes": list(counts["singleton_classes"])})


def _require_whole_classes(row: Dataset, after: Tally) -> None:
    train, test = ({label for label, split in after if is_held_out(split) == part} for part in (False, True))
    if train & test:
        raise Rejected(
            f"{row.name} would be left unusable: "
            f"class {min(train & test)} is both trained on and held out; a class is one of them"
        )


def _require_roles(row: Dataset) -> None:
    visible = row.images.filter(hidden=False).order_by("label", "pk")  # ordered, PostgreSQL takes the index
    try:
        check_roles({split for split in _splits() if visible.filter(split=split).values_list("pk").first()})
    except DatasetError as error:
        raise Rejected(f"{row.name} would be left unusable: {error}") from error
