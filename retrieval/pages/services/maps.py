"""Maps: 2-D projections of a model's embeddings of a data set, one per active index, created once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.roles import Visitor
from config.errors import Rejected
from jobs import services as jobs
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.evaluation.projection import STEPS, EmbeddingMap, map_of
from mlcore.index import load_vectors
from retrieval.datasets.services.classes import names_by_label
from retrieval.models import Dataset, Image, Index
from retrieval.registry.services.visibility import visible_models
from storage.store import store

MOST_POINTS = 12_000
FEWEST_POINTS = 3
WORST_CLASSES = 10


@dataclass(frozen=True)
class MappedIndex:
    """An active index, whether it has a map, and the job that creates one."""

    index: Index
    has_map: bool
    job: Job | None


@dataclass(frozen=True)
class ClassMisses:
    """How many of the evaluated pictures of a class have a nearest picture of another class."""

    label: int
    name: str
    missed: int
    asked: int


@dataclass(frozen=True)
class MapSummary:
    """Counts of a map. recall_at_1: None where no picture was evaluated. worst: the classes with most misses."""

    points: int
    total: int
    method: str
    classes: int
    asked: int
    missed: int
    recall_at_1: float | None
    is_old: bool
    worst: list[ClassMisses]


@dataclass(frozen=True)
class Miss:
    """A picture, and its nearest picture, which is of another class."""

    image: Image
    near: Image


def map_file(index: Index) -> Path:
    """Return the place of an index's map on this host, whether there is one or not."""
    return store().local_copy(index.map_key)


def mapped_indexes(dataset: Dataset, user: Visitor) -> list[MappedIndex]:
    """Return the active indexes of the models that a person may see."""
    indexes = Index.objects.filter(dataset=dataset, active=True, model__in=visible_models(user))
    rows = list(indexes.select_related("model", "dataset").order_by("model"))
    making = {job.key: job for job in Job.objects.filter(kind="map", state__in=Job.ACTIVE)}
    return [MappedIndex(row, store().has(row.map_key), making.get(_key(row))) for row in rows]


def _key(index: Index) -> str:
    return f"map:{index.pk}"


def submit_map(index: Index, *, by: User | None) -> Job:
    """Queue the creation of an index's map; one is queued at a time.

    Raises:
        Rejected: it has a map already, or too few pictures for one.
    """
    if store().has(index.map_key):
        raise Rejected(f"{index.model.name} already has a map of this index; a new index gets a new map")
    if index.count < FEWEST_POINTS:
        raise Rejected(
            f"a map needs at least {FEWEST_POINTS} pictures; the index of {index.model.name} has {index.count}"
        )
    with transaction.atomic():
        job = jobs.submit("map", {"index": index.pk}, by=by, key=_key(index))
        audit.record(by, "make-map", index.model.name, index=index.pk, job=job.pk)
    return job


def run_map_job(context: JobContext, index: int) -> Mapping[str, object]:
    """Project an index to 2-D and store the map. Safe to run again: an existing map is kept."""
    row = Index.objects.select_related("model", "dataset").get(pk=index)
    file = map_file(row)
    if not file.exists():
        made = _made(context, row)
        context.check()
        made.write(file)
        store().put(row.map_key)
    stored = EmbeddingMap.read(file)
    return {"index": row.pk, "points": len(stored.ids), "method": stored.method}


def _made(context: JobContext, row: Index) -> EmbeddingMap:
    vectors = load_vectors(row.folder, model_sha256=row.model.weights_sha256)
    label_and_split = {
        pk: (label, split)
        for pk, label, split in row.dataset.images.filter(hidden=False).values_list("pk", "label", "split")
    }
    ids = np.array([pk for pk in vectors.ids.tolist() if pk in label_and_split], dtype=np.int64)
    if len(ids) < FEWEST_POINTS:
        raise JobFailed(f"only {len(ids)} pictures of that index are left; build a new index first")
    return map_of(
        vectors.vectors_of(ids),
        ids=ids,
        labels=np.array([label_and_split[pk][0] for pk in ids.tolist()], dtype=np.int64),
        splits=[label_and_split[pk][1] for pk in ids.tolist()],
        most=MOST_POINTS,
        progress=context.progress,
    )


@lru_cache(maxsize=4)
def _read(path: Path) -> EmbeddingMap:
    return EmbeddingMap.read(path)  # never changes, so it is read once


def stored_map(index: Index) -> EmbeddingMap | None:
    """Return the map of an index; None before it is created."""
    file = map_file(index)
    return _read(file) if file.exists() else None


def points_of(index: Index, found: EmbeddingMap) -> Mapping[str, object]:
    """Return a map as the browser draws it, without pictures that were hidden or deleted since.

    near: the nearest picture of a miss, 0 for hits and where that picture is not visible any more.
    names: of the classes of the map, by label.
    """
    shown = _shown(found.ids)
    kept = [row for row, pk in enumerate(found.ids) if pk in shown]
    near = _near_by_row(found)
    lists = {"x": found.x, "y": found.y, "ids": found.ids, "labels": found.labels, "splits": found.splits}
    names = names_by_label(index.dataset)
    return {
        "steps": STEPS,
        **{name: [values[row] for row in kept] for name, values in lists.items()},
        "hits": [found.hits[row] for row in kept],
        "near": [pk if (pk := near.get(row, 0)) in shown else 0 for row in kept],
        "split_names": found.split_names,
        "names": {label: names[label] for label in sorted(set(found.labels))},
    }


def _near_by_row(found: EmbeddingMap) -> dict[int, int]:
    missed = [row for row, hit in enumerate(found.hits) if hit == 0]
    return dict(zip(missed, found.near, strict=True))


def _shown(ids: Sequence[int]) -> set[int]:
    return set(Image.objects.filter(pk__in=ids, hidden=False).values_list("pk", flat=True))


def summary_of(index: Index, found: EmbeddingMap) -> MapSummary:
    """Return the counts of a map."""
    asked = Counter(label for label, hit in zip(found.labels, found.hits, strict=True) if hit >= 0)
    missed = Counter(label for label, hit in zip(found.labels, found.hits, strict=True) if hit == 0)
    worst = sorted(missed, key=lambda label: (-missed[label] / asked[label], label))[:WORST_CLASSES]
    names = names_by_label(index.dataset, worst)
    return MapSummary(
        points=len(found.ids),
        total=found.total,
        method=found.method,
        classes=len(set(found.labels)),
        asked=found.asked,
        missed=found.asked - found.found,
        recall_at_1=found.found / found.asked if found.asked else None,
        is_old=index.revision < index.dataset.revision,
        worst=[ClassMisses(label, names[label], missed[label], asked[label]) for label in worst],
    )


def misses_of(found: EmbeddingMap) -> list[tuple[int, int]]:
    """Return the ids of the misses, each with that of its nearest picture."""
    return [(found.ids[row], near) for row, near in _near_by_row(found).items()]


def with_pictures(misses: Sequence[tuple[int, int]]) -> list[Miss]:
    """Return the pictures of misses, without those hidden or deleted since."""
    wanted = [pk for pair in misses for pk in pair]
    images = Image.objects.filter(hidden=False).named().in_bulk(wanted)
    return [Miss(images[one], images[near]) for one, near in misses if {one, near} <= images.keys()]
