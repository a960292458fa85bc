"""Indexes: build, check, activate, roll back."""

from collections.abc import Mapping
from functools import partial
from typing import TypedDict

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import User
from config.errors import Conflict, Rejected
from jobs import services as jobs
from jobs.context import JobContext
from jobs.models import Job
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.datasets.services.thumbnails import fill_looks
from retrieval.models import Dataset, Index, Model
from retrieval.registry.services import vector_store
from retrieval.registry.services.checksums import keep_checksum
from retrieval.registry.services.confidence import calibration_of
from retrieval.registry.services.index_building import written_index
from retrieval.registry.services.index_memory import is_too_large, resident_bytes
from retrieval.registry.services.label_issues import IN_JOBS, label_check_of
from storage.store import store


def submit_index(model: Model, dataset: Dataset | None = None, *, by: User | None) -> Job:
    """Queue the build of a model's index of a data set, by default the one it was trained on; one is queued at a time.

    A build that runs already may have read the data set before its last change, so it is shared only by those
    who ask for the same revision; one that is still queued reads what is there when it begins.

    Raises:
        Conflict: the data set is not imported yet, or the model is archived.
        Rejected: the model cannot embed its pictures.
    """
    dataset = dataset or model.dataset
    if not dataset.is_ready:
        raise Conflict(f"{dataset.name} is not imported yet; build the index when it is")
    if model.archived_at is not None:
        raise Conflict(f"{model.name} is archived; restore it first")
    if not model.has_network and dataset.pk != model.dataset_id:
        raise Rejected(f"{model.name} has no network, only embeddings of {model.dataset.name}", field="dataset")
    key, values = f"index:{model.pk}:{dataset.pk}:", {"model": model.pk, "dataset": dataset.pk}
    with transaction.atomic():
        queued = Job.objects.select_for_update().filter(key__startswith=key, state=Job.State.QUEUED).first()
        if queued is not None:
            return queued  # the lock keeps it from beginning before this transaction has ended
        revision = Dataset.objects.values_list("revision", flat=True).get(pk=dataset.pk)
        return jobs.submit("index", values, by=by, key=f"{key}{revision}")


def submit_rebuilds(dataset: Dataset, *, by: User | None) -> None:
    """Queue the rebuild of every active index of a data set, after a change of its pictures."""
    active = Index.objects.filter(dataset=dataset, active=True, model__archived_at=None)
    for index in active.select_related("model__dataset"):
        submit_index(index.model, dataset, by=by)


def indexable_datasets(model: Model) -> QuerySet[Dataset]:
    """Return the data sets of which an index of the model can be built, its own first."""
    ready = Dataset.objects.filter(revision__gt=0)
    if not model.has_network:
        ready = ready.filter(pk=model.dataset_id)
    return ready.annotate(own=Q(pk=model.dataset_id)).order_by("-own", "name")


def run_index_job(context: JobContext, model: int, dataset: int) -> Mapping[str, float]:
    """Make, check and activate an index; until then the active one answers searches.

    It grows from the active one where that can take up the changes, else it is built from nothing.
    Safe to run again: a folder that a dead attempt finished is used as it is. An active index of a later
    revision stays active.
    """
    row, catalogue = fresh_catalogue(dataset)
    built = written_index(context, Model.objects.get(pk=model), row, catalogue)
    context.check()
    with transaction.atomic():
        Model.objects.select_for_update().get(pk=model)
        rivals = Index.objects.filter(model=model, dataset=dataset, active=True)
        if not rivals.filter(revision__gt=built.revision).exists():
            _switch(built, by=None)
    run = built.model.run  # an external model is published by hand
    if run and run.experiment.publish and not built.model.indexes.exclude(pk=built.pk).exists():
        Model.objects.filter(pk=model, archived_at=None).update(
            published=True
        )  # with its first index only: a curator who unpublished it meant it
    for name in ("embeddings.npy", "images.csv"):  # which people may download from now on
        keep_checksum(built.model.folder / name)
    calibration_of(built)
    if built.dataset.labelled:
        label_check_of(built, IN_JOBS)
    fill_looks(built.dataset, context.progress)  # of pictures that came since, or before looks were kept
    return {"index": built.pk, "recall": built.recall, "count": built.count}


def activate(index: Index, *, by: User | None = None) -> None:
    """Let searches of its model and data set read `index`; an older one is rolled back to this way too.

    `by` None is the system, which activates what it has built.

    Raises:
        Conflict: its files are gone, or its vectors in the vector store.
        VectorsAway: the vector store does not answer.
    """
    if not store().has(index.path):
        raise Conflict(f"the files of index {index.pk} are gone; build a new one")
    if not vector_store.is_there(index):  # before the transaction: it may take seconds
        raise Conflict(f"the vector store does not hold index {index.pk} any more; build a new one")
    with transaction.atomic():
        _switch(index, by=by)


def _switch(index: Index, *, by: User | None) -> None:
    """Make an index the active one, in a transaction."""
    Model.objects.select_for_update().get(pk=index.model_id)  # two activations at once: one after the other
    row = Index.objects.select_for_update().get(pk=index.pk)  # a sweep that drops it: before or after
    if row.collection != index.collection:
        raise Conflict(f"the vector store does not hold index {index.pk} any more; build a new one")
    rivals = Index.objects.filter(model=index.model, dataset=index.dataset)
    rivals.filter(active=True).exclude(pk=index.pk).update(active=False, retired_at=timezone.now())
    if rivals.filter(pk=index.pk, active=False).update(active=True, retired_at=None):
        transaction.on_commit(partial(vector_store.point_alias, index))
        audit.record(by, "activate-index", index.model.name, index=index.pk, recall=index.recall)
    index.refresh_from_db()


class IndexRow(TypedDict):
    """An index as a model's page shows it. job: the one that built it; links, candidates: M and ef of HNSW.

    resident: bytes that each web process keeps in memory; too_large: more than settings give to all of them.
    """

    row: Index
    bytes: int
    seconds: float
    job: int | None
    links: int
    candidates: int
    is_stored: bool
    resident: int
    too_large: bool


def indexes_of(model: Model) -> list[IndexRow]:
    """Return all indexes of a model, newest first."""
    rows = list(model.indexes.select_related("dataset"))
    jobs_left = set(Job.objects.filter(pk__in=[_job_of(row) for row in rows]).values_list("pk", flat=True))
    return [
        {
            "row": row,
            "bytes": sum(seal["bytes"] for seal in row.manifest["files"].values()),
            "seconds": row.manifest["build_seconds"],
            "job": _job_of(row) if _job_of(row) in jobs_left else None,
            "links": row.manifest["M"],
            "candidates": row.manifest["ef"],
            "is_stored": store().has(row.path) and (row.collection != "" or not row.is_in_vector_store),
            "resident": resident_bytes(row),
            "too_large": is_too_large(row),
        }
        for row in rows
    ]


def _job_of(index: Index) -> int:
    """Return the key of the job that built an index, which its folder is named by; 0 for none."""
    number = index.path.rpartition("job-")[2].partition("-")[0]
    return int(number) if number.isdecimal() else 0
