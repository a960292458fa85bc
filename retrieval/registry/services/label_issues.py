"""Labels of a data set that look wrong, by the neighbours in an index; kept in the index's folder."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from accounts.models import User
from config.errors import Conflict, Rejected
from mlcore.artifacts import read_json, write_whole
from mlcore.errors import StaleIndexError
from mlcore.evaluation.metric_table import HEADLINE, figures_of
from mlcore.index import load_vectors
from mlcore.inference.label_issues import LabelCheck, check_labels
from retrieval.datasets.services import curating
from retrieval.datasets.services.classes import names_by_label
from retrieval.models import Dataset, Image, Index
from retrieval.registry.services.index_files import added_file
from storage.store import key_of, store

AT_ONCE = 100_000_000
"""Comparisons of two pictures while somebody waits: about two seconds on one core at 512 dimensions."""
IN_JOBS = 2_000_000_000
"""Comparisons in the job that builds an index: every picture of 44,000, some of more."""

_checking = threading.Lock()  # once a process: a second request finds the file of the first


@dataclass(frozen=True)
class LabelSuggestion:
    """A picture whose label looks wrong, with the class that its neighbours suggest.

    confidence, own_share: shares of the neighbours' votes, 0 to 1. trained: whether the model was trained on the
    picture, so that it may have learned to place it by a wrong label.
    """

    image: Image
    suggested_label: int
    suggested_class: str
    confidence: float
    own_share: float
    neighbours: list[Image]
    trained: bool


@dataclass(frozen=True)
class LabelReport:
    """What a check of a data set's labels says; suggestions most certain first. See LabelCheck for the numbers."""

    index: Index
    suggestions: list[LabelSuggestion]
    found: int
    checked: int
    pictures: int
    agreement: float


def checkable_indexes(dataset: Dataset) -> list[Index]:
    """Return the active indexes of a labelled data set, that of the model with the best metrics first."""
    if not dataset.labelled:
        return []
    indexes = list(dataset.indexes.filter(active=True).select_related("model__run", "model__dataset", "dataset"))
    return sorted(indexes, key=lambda index: (-figures_of(index.model.metrics or {}).get(HEADLINE, 0.0), index.pk))


def label_report(index: Index) -> LabelReport:
    """Return the labels of an index's data set that look wrong; pictures hidden since are left out.

    Raises:
        Conflict: the data set has no labels, or the index is damaged or gone.
    """
    if not index.dataset.labelled:
        raise Conflict(f"{index.dataset.name} has no labels to check")
    try:
        check = label_check_of(index, AT_ONCE)
    except (StaleIndexError, OSError) as error:
        raise Conflict(f"The index of {index.model.name} cannot be read: {error}. Build it again.") from error
    wanted = {issue.id for issue in check.issues} | {row for issue in check.issues for row in issue.neighbours}
    images = Image.objects.filter(dataset=index.dataset, hidden=False).named().in_bulk(list(wanted))
    names = names_by_label(index.dataset)
    is_own = index.model.dataset_id == index.dataset_id
    suggestions = [
        LabelSuggestion(
            images[issue.id],
            issue.suggested,
            names[issue.suggested],
            issue.confidence,
            issue.own,
            [images[row] for row in issue.neighbours if row in images],
            trained=is_own and images[issue.id].split == Image.Split.TRAIN,
        )
        for issue in check.issues
        if issue.id in images and images[issue.id].label == issue.label and issue.suggested in names
    ]
    return LabelReport(index, suggestions, check.found, check.checked, check.pictures, check.agreement)


def label_check_of(index: Index, comparisons: int) -> LabelCheck:
    """Return the check of the labels of a data set's present revision, made when it is first needed.

    comparisons: of two pictures, at most; where they do not suffice, drawn pictures are checked.
    """
    file = added_file(index, f"labels-{index.dataset.revision}.json")
    with _checking:
        stored = LabelCheck.from_json(read_json(file)) if file.exists() else None
        if stored is None:
            stored = _checked(index, comparisons)
            write_whole(file, json.dumps(stored.to_json()).encode())
            store().put(key_of(file))
    return stored


@transaction.atomic
def accept_suggestions(index: Index, pictures: Sequence[int], *, by: User | None) -> int:
    """Move pictures to the classes that are suggested for them; return how many moved. Each class is a revision.

    Raises:
        Rejected: none is selected, or a picture has no suggestion any more.
    """
    suggested = {row.image.pk: row.suggested_class for row in label_report(index).suggestions}
    wanted: dict[str, list[int]] = {}
    for picture in dict.fromkeys(pictures):
        if picture not in suggested:
            raise Rejected(f"Picture {picture} has no suggestion any more; look at the list again.")
        wanted.setdefault(suggested[picture], []).append(picture)
    if not wanted:
        raise Rejected("No picture is selected; select at least one.")
    return sum(curating.relabel(index.dataset, rows, name, by=by) for name, rows in wanted.items())


def _checked(index: Index, comparisons: int) -> LabelCheck:
    held = load_vectors(index.folder, model_sha256=index.model.weights_sha256)
    labels = dict(Image.objects.filter(dataset=index.dataset, hidden=False).values_list("pk", "label"))
    ids = np.array([pk for pk in held.ids.tolist() if pk in labels], np.int64)
    if not len(ids):
        return LabelCheck((), 0, 0, 0, 0.0)
    values = np.array([labels[pk] for pk in ids.tolist()], np.int64)
    return check_labels(held.vectors_of(ids), values, ids, comparisons=comparisons)
