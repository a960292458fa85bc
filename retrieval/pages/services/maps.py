"""Maps: a model's space of a data set in two dimensions, one a serving index, made once and never changed."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.roles import Visitor
from config.errors import Rejected
from jobs import services as jobs
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.evaluation.project import STEPS, SpaceMap, map_of
from mlcore.index import load_index
from retrieval.datasets.services.classes import names_by_label
from retrieval.models import Dataset, Image, Index
from retrieval.registry.services.visibility import visible_models

MOST_POINTS = 12_000
FEWEST_POINTS = 3
WORST_CLASSES = 10


def map_file(index: Index) -> Path:
    """Return where the map of an index lies; the checksum tells another database's index of the same number."""
    checksum = index.manifest["files"]["index.bin"]["sha256"]
    return Path(settings.MEDIA_ROOT) / "maps" / f"index-{index.pk}-{checksum[:16]}.json"


def mapped_indexes(dataset: Dataset, user: Visitor) -> list[dict[str, Any]]:
    """Return the serving indexes of the models that a person may see: index, has_map, and the job that makes it."""
    indexes = Index.objects.filter(dataset=dataset, active=True, model__in=visible_models(user))
    rows = list(indexes.select_related("model", "dataset").order_by("model"))
    making = {job.key: job for job in Job.objects.filter(kind="map", state__in=Job.ACTIVE)}
    return [{"index": row, "has_map": map_file(row).exists(), "job": making.get(_key(row))} for row in rows]


def _key(index: Index) -> str:
    return f"map:{index.pk}"


def submit_map(index: Index, *, by: User | None) -> Job:
    """Queue the making of an index's map; one is queued at a time.

    Raises:
        Rejected: it has a map already, or too few pictures for one.
    """
    if map_file(index).exists():
        raise Rejected(f"{index.model.name} has a map of this index already; a new index gets a new one")
    if index.count < FEWEST_POINTS:
        raise Rejected(
            f"a map needs at least {FEWEST_POINTS} pictures; the index of {index.model.name} has {index.count}"
        )
    with transaction.atomic():
        job = jobs.submit("map", {"index": index.pk}, by=by, key=_key(index))
        audit.record(by, "make-map", index.model.name, index=index.pk, job=job.pk)
    return job


def run_map_job(context: JobContext, index: int) -> dict[str, Any]:
    """Lay an index out in two dimensions and store it. Safe to run again: a map that is there stays as it is."""
    row = Index.objects.select_related("model", "dataset").get(pk=index)
    file = map_file(row)
    if not file.exists():
        made = _made(context, row)
        context.check()
        made.write(file)
    stored = SpaceMap.read(file)
    return {"index": row.pk, "points": len(stored.ids), "method": stored.method}


def _made(context: JobContext, row: Index) -> SpaceMap:
    vectors = load_index(row.folder, model_sha256=row.model.weights_sha256)
    known = {
        pk: (label, split)
        for pk, label, split in row.dataset.images.filter(hidden=False).values_list("pk", "label", "split")
    }
    ids = np.array([pk for pk in vectors.ids.tolist() if pk in known], dtype=np.int64)
    if len(ids) < FEWEST_POINTS:
        raise JobFailed(f"of the pictures of that index only {len(ids)} are left; build a new index first")
    return map_of(
        vectors.vectors_of(ids),
        ids=ids,
        labels=np.array([known[pk][0] for pk in ids.tolist()], dtype=np.int64),
        splits=[known[pk][1] for pk in ids.tolist()],
        most=MOST_POINTS,
        progress=context.progress,
    )


@lru_cache(maxsize=4)
def _read(path: Path) -> SpaceMap:
    return SpaceMap.read(path)  # never changes, so it is read once


def stored_map(index: Index) -> SpaceMap | None:
    """Return the map of an index; None before it is made."""
    file = map_file(index)
    return _read(file) if file.exists() else None


def points_of(index: Index, found: SpaceMap) -> dict[str, Any]:
    """Return a map as the browser draws it, without the pictures that were hidden or deleted since.

    near: the picture found first, 0 for those that did not miss and where it is not shown any more.
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


def _near_by_row(found: SpaceMap) -> dict[int, int]:
    missed = [row for row, hit in enumerate(found.hits) if hit == 0]
    return dict(zip(missed, found.near, strict=True))


def _shown(ids: Sequence[int]) -> set[int]:
    return set(Image.objects.filter(pk__in=ids, hidden=False).values_list("pk", flat=True))


def summary_of(index: Index, found: SpaceMap) -> dict[str, Any]:
    """Return the map in words: how many points, how many of them missed, and the classes that miss most."""
    asked = Counter(label for label, hit in zip(found.labels, found.hits, strict=True) if hit >= 0)
    missed = Counter(label for label, hit in zip(found.labels, found.hits, strict=True) if hit == 0)
    worst = sorted(missed, key=lambda label: (-missed[label] / asked[label], label))[:WORST_CLASSES]
    names = names_by_label(index.dataset, worst)
    return {
        "points": len(found.ids),
        "total": found.total,
        "method": found.method,
        "classes": len(set(found.labels)),
        "asked": found.asked,
        "missed": found.asked - found.found,
        "recall_at_1": found.found / found.asked if found.asked else None,
        "is_old": index.revision < index.dataset.revision,
        "worst": [
            {"label": label, "name": names[label], "missed": missed[label], "asked": asked[label]} for label in worst
        ],
    }


def misses_of(found: SpaceMap) -> list[tuple[int, int]]:
    """Return the pictures that did not meet their class first, each with the one found instead."""
    return [(found.ids[row], near) for row, near in _near_by_row(found).items()]


def with_pictures(misses: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return misses with their pictures in place of keys, without those hidden or deleted since."""
    wanted = [pk for pair in misses for pk in pair]
    images = Image.objects.filter(hidden=False).named().in_bulk(wanted)
    return [{"image": images[one], "near": images[near]} for one, near in misses if {one, near} <= images.keys()]
