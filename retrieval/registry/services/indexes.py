"""Indexes: build, check, activate, roll back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import audit
from accounts.models import User
from config import storage
from config.errors import Conflict, Rejected
from jobs import services as jobs
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.artifacts import read_json
from mlcore.datasets import DatasetFolder
from mlcore.datasets.catalogue import fingerprint_of
from mlcore.errors import StaleIndexError
from mlcore.events import Progress
from mlcore.index import IndexManifest, build_index, load_index
from mlcore.index.store import read_manifest
from mlcore.runs import read_shas
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.datasets.services.thumbnails import fill_looks
from retrieval.errors import ModelSuspended, ModelUnavailable
from retrieval.models import Dataset, Index, Model
from retrieval.registry.services.checksums import keep_checksum
from retrieval.registry.services.confidence import calibration_of
from retrieval.registry.services.external_encoders import encoder_for_job
from retrieval.registry.services.label_issues import IN_JOBS, label_check_of

if TYPE_CHECKING:
    from mlcore.inference.encoder_protocol import PictureEncoder


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
    """Build, check and activate an index; until then the active one answers searches.

    Safe to run again: a folder that a dead attempt finished is used as it is. An active index of a later
    revision stays active.
    """
    row, catalogue = fresh_catalogue(dataset)
    built = _build(context, Model.objects.get(pk=model), row, catalogue)
    context.check()
    with transaction.atomic():
        Model.objects.select_for_update().get(pk=model)
        rivals = Index.objects.filter(model=model, dataset=dataset, active=True)
        if not rivals.filter(revision__gt=built.revision).exists():
            activate(built)
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


def _build(context: JobContext, model: Model, dataset: Dataset, catalogue: DatasetFolder) -> Index:
    path = f"indexes/{model.weights_sha256[:16]}/job-{context.job_id}-{dataset.revision}"
    folder = storage.media() / path
    if not folder.exists():
        build_index(
            folder,
            embeddings_of(model, catalogue, context.progress),
            catalogue.ids,
            model_sha256=model.weights_sha256,
            preprocessing=read_json(model.folder / "model.json")["preprocessing"],
            progress=context.progress,
            threads=settings.TORCH_THREADS,
        )
    return _row_of(read_manifest(folder), model, dataset, path)


def _row_of(manifest: IndexManifest, model: Model, dataset: Dataset, path: str) -> Index:
    row, _ = Index.objects.get_or_create(
        path=path,
        defaults={
            "model": model,
            "dataset": dataset,
            "revision": dataset.revision,
            "manifest": manifest.to_json(),
            "recall": manifest.recall,
            "count": manifest.count,
        },
    )
    return row


def embeddings_of(model: Model, catalogue: DatasetFolder, progress: Progress) -> np.ndarray[Any, Any]:
    """Return the embedding of every picture [N, dim], in the catalogue's order.

    Those that training left are taken by the picture's SHA-256, those of earlier indexes by its key; only
    new pictures are embedded.
    """
    row_of = {sha256: row for row, sha256 in enumerate(read_shas(model.folder))}
    stored = np.load(model.folder / "embeddings.npy", mmap_mode="r", allow_pickle=False)
    embeddings = np.empty((len(catalogue.pictures), stored.shape[1]), np.float32)
    missing = []
    for row, picture in enumerate(catalogue.pictures):
        if picture.sha256 in row_of:
            embeddings[row] = stored[row_of[picture.sha256]]
        else:
            missing.append(row)
    missing = _taken_from_indexes(model, catalogue, missing, embeddings)
    if missing:
        rows = np.array(missing)
        embeddings[rows] = _embedded(model, catalogue, rows, progress)
    return embeddings


def _taken_from_indexes(
    model: Model, catalogue: DatasetFolder, missing: list[int], embeddings: np.ndarray[Any, Any]
) -> list[int]:
    """Fill in vectors of the active index; return the rows still missing.

    A picture's key stands for its bytes for ever, so its vector is still right.
    """
    ids = [catalogue.pictures[row].id for row in missing]
    serving = Index.objects.filter(model=model, active=True, dataset__images__in=ids[:1]).first()
    if serving is None:
        return missing
    try:
        index = load_index(serving.folder, model_sha256=model.weights_sha256)
    except StaleIndexError:  # a damaged one is what a rebuild is for
        return missing
    held = set(index.ids.tolist())
    rows = [row for row, pk in zip(missing, ids, strict=True) if pk in held]
    if rows:
        embeddings[rows] = index.vectors_of([catalogue.pictures[row].id for row in rows])
    return sorted(set(missing) - set(rows))


def _embedded(
    model: Model, catalogue: DatasetFolder, rows: np.ndarray[Any, Any], progress: Progress
) -> np.ndarray[Any, Any]:
    from mlcore.inference.model_files import load_encoder

    if not model.is_external:
        return _embedded_by(load_encoder(model.folder), catalogue, rows, progress)
    try:
        with encoder_for_job(model) as encoder:
            return _embedded_by(encoder, catalogue, rows, progress)
    except (ModelUnavailable, ModelSuspended) as error:
        raise JobFailed(str(error)) from error


def _embedded_by(
    encoder: "PictureEncoder", catalogue: DatasetFolder, rows: np.ndarray[Any, Any], progress: Progress
) -> np.ndarray[Any, Any]:
    from mlcore.inference.encode import embed_rows, open_pixels

    # Only these are decoded: the pixels of the others would be a second copy under the new fingerprint.
    pictures = tuple(catalogue.pictures[row] for row in rows)
    part = replace(catalogue, pictures=pictures, fingerprint=fingerprint_of(pictures))
    cache = open_pixels(encoder.preprocessing, part, storage.cache(), progress)
    return embed_rows(encoder, cache, np.arange(len(rows)), progress)


@transaction.atomic
def activate(index: Index, *, by: User | None = None) -> None:
    """Let searches of its model and data set read `index`; an older one is rolled back to this way too.

    `by` None is the system, which activates what it has built.

    Raises:
        Conflict: its files are gone.
    """
    if not index.folder.exists():
        raise Conflict(f"the files of index {index.pk} are gone; build a new one")
    Model.objects.select_for_update().get(pk=index.model_id)  # two activations at once: one after the other
    rivals = Index.objects.filter(model=index.model, dataset=index.dataset)
    rivals.filter(active=True).exclude(pk=index.pk).update(active=False)
    if rivals.filter(pk=index.pk, active=False).update(active=True):
        audit.record(by, "activate-index", index.model.name, index=index.pk, recall=index.recall)
    index.refresh_from_db()


class IndexRow(TypedDict):
    """An index as a model's page shows it. job: the one that built it; links, candidates: M and ef of HNSW."""

    row: Index
    bytes: int
    seconds: float
    job: int | None
    links: int
    candidates: int
    on_disk: bool


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
            "on_disk": row.folder.is_dir(),
        }
        for row in rows
    ]


def _job_of(index: Index) -> int:
    """Return the key of the job that built an index, which its folder is named by; 0 for none."""
    number = index.path.rpartition("job-")[2].partition("-")[0]
    return int(number) if number.isdecimal() else 0
