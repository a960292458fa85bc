"""Classes of a data set: names, counts, creation, moves between them, and the split of each.

A class keeps its label for good, because models store labels. One that was merged into another keeps label and
name, without pictures.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from config.errors import Rejected
from retrieval.models import Dataset, DatasetClass, Image

NAME_LENGTH = 200
SPLITS = ("train", "test")  # of a class: pictures train models, or are held out to evaluate them
BATCH = 1000  # rows of one INSERT
PER_PAGE = 24


def add_classes(row: Dataset, names: Sequence[str]) -> int:
    """Give classes the next labels, in the order of their names; return the first of these labels.

    The caller holds the data set's row.
    """
    first = row.classes.count()
    DatasetClass.objects.bulk_create(
        (DatasetClass(dataset=row, label=label, name=name) for label, name in enumerate(names, first)), batch_size=BATCH
    )
    return first


def name_of(row: Dataset, label: int) -> str:
    """Return the name of a class."""
    return row.classes.values_list("name", flat=True).get(label=label)


def names_by_label(row: Dataset, labels: Collection[int] | None = None) -> dict[int, str]:
    """Return the names of the classes of these labels, or of all."""
    classes = row.classes.all() if labels is None else row.classes.filter(label__in=labels)
    return dict(classes.values_list("label", "name"))


def names_of(classes: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Return the names of classes of several data sets, by data set and label, with one query."""
    datasets, labels = {dataset for dataset, _ in classes}, {label for _, label in classes}
    rows = DatasetClass.objects.filter(dataset__in=datasets, label__in=labels)
    return {(dataset, label): name for dataset, label, name in rows.values_list("dataset", "label", "name")}


def class_totals(datasets: Iterable[Dataset]) -> dict[int, int]:
    """Return how many classes each data set has, merged ones included; one without any is left out."""
    rows: QuerySet[Any] = with_class_count(
        Dataset.objects.filter(pk__in=[dataset.pk for dataset in datasets]).order_by()
    )
    return {pk: count for pk, count in rows.values_list("pk", "class_count") if count}


def with_class_count(datasets: QuerySet[Dataset]) -> QuerySet[Dataset]:
    """Annotate data sets with `class_count`, merged ones included: labels have no gap, so it is the last and one."""
    last = DatasetClass.objects.filter(dataset=OuterRef("pk")).order_by("-label").values("label")[:1]
    return datasets.annotate(class_count=Coalesce(Subquery(last) + 1, 0))


@dataclass(frozen=True)
class ClassCount:
    """A class with how many pictures it has, `held_out` of them, and `sample`, the key of one."""

    label: int
    name: str
    images: int
    held_out: int
    sample: int


def class_counts(dataset: Dataset, labels: Collection[int] | None = None, *, hidden: bool = False) -> list[ClassCount]:
    """Return the counts of each class that has pictures, by label.

    labels: of these classes only. Hidden pictures count only where `hidden`, for curators who change classes.
    """
    images = dataset.images.all() if hidden else dataset.images.filter(hidden=False)
    if labels is not None:
        images = images.filter(label__in=labels)
    held_out = Count("pk", filter=~Q(split=Image.Split.TRAIN))
    counts = images.values("label").annotate(images=Count("pk"), held_out=held_out, sample=Min("pk")).order_by("label")
    names = names_by_label(dataset, labels)
    return [ClassCount(name=names[row["label"]], **row) for row in counts]


def live_classes(dataset: Dataset, *, hidden: bool = False) -> QuerySet[DatasetClass]:
    """Return the classes that have a visible picture, by label; with `hidden`, those that have any picture."""
    own = Image.objects.filter(dataset=OuterRef("dataset"), label=OuterRef("label"))
    return dataset.classes.filter(Exists(own if hidden else own.filter(hidden=False))).order_by("label")


def class_page(
    dataset: Dataset, words: str = "", number: object = 1, *, hidden: bool = False, size: int = PER_PAGE
) -> Page[Any]:
    """Return a page of the counts of the classes whose names have every one of the words, by label.

    A class without visible pictures, as one that was merged into another, is left out; with `hidden`, one without
    pictures. Some sets have 11,000 classes.
    """
    wanted = words.casefold().split()
    live = live_classes(dataset, hidden=hidden)
    labels: Any = live.values_list("label", flat=True)
    if wanted:
        names = live.values_list("label", "name").iterator()
        labels = [label for label, name in names if all(word in name.casefold() for word in wanted)]
    page: Page[Any] = Paginator(labels, size).get_page(number)  # type: ignore[arg-type]  # any words of a URL
    page.object_list = class_counts(dataset, list(page.object_list), hidden=hidden)
    return page


def few_names(dataset: Dataset, most: int) -> list[str]:
    """Return the names of the classes that have pictures, by label; none where there are more than `most`."""
    names = list(live_classes(dataset, hidden=True).values_list("name", flat=True)[: most + 1])
    return names if len(names) <= most else []


def labels_containing(row: Dataset, words: str, most: int) -> list[int]:
    """Return the labels of at most so many classes whose names have every one of the words; a full name comes alone.

    The names are compared here: SQLite knows the two cases of no letter but those of English.
    """
    whole, wanted = words.strip().casefold(), words.casefold().split()
    named: list[int] = []
    partly: list[int] = []
    for label, name in row.classes.order_by("label").values_list("label", "name").iterator():
        stored = name.casefold()
        if stored == whole:
            named.append(label)
        elif len(partly) < most and all(word in stored for word in wanted):
            partly.append(label)
    return named or partly


def suggested_names(row: Dataset, words: str, most: int) -> list[str]:
    """Return the names of at most so many classes whose names have every one of the words, by label."""
    wanted = words.casefold().split()
    names: dict[str, None] = {}
    for name in row.classes.order_by("label").values_list("name", flat=True).iterator():
        if all(word in name.casefold() for word in wanted):
            names[name] = None
            if len(names) == most:
                break
    return list(names)


def labels_by_name(row: Dataset) -> dict[str, int]:
    """Return the label of each class that has a picture, hidden ones included, by its name in lower case."""
    labels: dict[str, int] = {}
    for label, name in live_classes(row, hidden=True).values_list("label", "name").iterator():
        labels.setdefault(name.casefold(), label)
    return labels


def find_class(row: Dataset, name: str, *, without: int | None = None) -> int | None:
    """Return the first label of that name with a picture, upper and lower case being one; None when there is none.

    without: a label that is left out.
    """
    for label in labels_named([row], name).get(row.pk, []):
        if label != without and row.images.filter(label=label).exists():
            return label
    return None


def labels_named(datasets: Iterable[Dataset], name: str) -> dict[int, list[int]]:
    """Return the labels of that name by data set, merged away or not; upper and lower case are one.

    The names are compared here: SQLite knows the two cases of no letter but those of English.
    """
    wanted, labels = name.strip().casefold(), dict[int, list[int]]()
    classes = DatasetClass.objects.filter(dataset__in=datasets).values_list("dataset", "label", "name")
    for dataset, label, stored in classes.iterator():
        if stored.casefold() == wanted:
            labels.setdefault(dataset, []).append(label)
    return labels


def class_named(row: Dataset, name: str) -> int:
    """Return the label of the class of that name.

    Raises:
        Rejected: there is none.
    """
    label = find_class(row, name)
    if label is None:
        raise Rejected(
            f"{row.name} has no class {name.strip()[:NAME_LENGTH]!r}; choose an existing class, or make it new"
        )
    return label


def new_class(row: Dataset, name: str) -> int:
    """Add a class; return its label. The caller holds the data set's row.

    Raises:
        Rejected: the name is empty, too long, or taken.
    """
    return add_classes(row, [unused_name(row, name)])


def unused_name(row: Dataset, name: str, *, without: int | None = None) -> str:
    """Return a name that no class with pictures has, but for the class of the label `without`.

    Raises:
        Rejected: it is empty, too long, or taken.
    """
    words = fit_name(name)
    label = find_class(row, words, without=without)
    return checked_name(row, words, {} if label is None else {words.casefold(): label})


def checked_name(row: Dataset, name: str, taken: Mapping[str, int]) -> str:
    """Return a name that is not among the `taken` ones of the data set, which are in lower case.

    Raises:
        Rejected: it is empty, too long, or taken.
    """
    words = fit_name(name)
    if words.casefold() in taken:
        raise Rejected(f"{row.name} already has a class {words!r}; move the pictures there, or merge the two")
    return words


def fit_name(name: str) -> str:
    """Return what a class may be called, without superfluous spaces.

    Raises:
        Rejected: it is empty or too long.
    """
    words = " ".join(name.split())
    if not words or len(words) > NAME_LENGTH or not words.isprintable():
        raise Rejected(f"a class needs a name of 1 to {NAME_LENGTH} printable characters")
    return words


def needs_split(name: str) -> Rejected:
    """Return the error of a new class without a split."""
    return Rejected(f"the new class {name!r} needs a split: train or test (held out)", field="split")


def split_in(row: Dataset, label: int, new: str = "") -> str:
    """Return the split of pictures that join a class; `new` says it for a class without pictures.

    All pictures of a class have one split. Where the data set has queries, new held-out pictures join the gallery.

    Raises:
        Rejected: the class has no picture, and `new` is none of SPLITS.
    """
    split = row.images.filter(label=label).values_list("split", flat=True).first()
    if split is None and new not in SPLITS:
        raise needs_split(name_of(row, label))
    if (split or new) == Image.Split.TRAIN:
        return Image.Split.TRAIN
    ordered = row.images.order_by("pk").values_list("pk")  # by the index of splits, also where there are many others
    parted = any(ordered.filter(split=part).first() for part in (Image.Split.QUERY, Image.Split.GALLERY))
    return Image.Split.GALLERY if parted else Image.Split.TEST


def move_to_class(row: Dataset, pictures: list[int], label: int, new_split: str = "") -> int:
    """Give pictures a class and the split that goes with it; return how many changed.

    A query stays a query and a gallery picture one of the gallery where both classes are held out.
    """
    split, count = split_in(row, label, new_split), 0
    keeps = Q(split__in=(Image.Split.QUERY, Image.Split.GALLERY)) if split == Image.Split.GALLERY else Q(pk__in=[])
    for start in range(0, len(pictures), BATCH):
        moving = row.images.filter(pk__in=pictures[start : start + BATCH]).exclude(label=label)
        count += moving.filter(keeps).update(label=label)
        count += moving.update(label=label, split=split)
    return count
