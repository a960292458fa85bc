"""The files of a new index: grown from the active one, or built from nothing, with the embeddings they need."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from config import places
from jobs.context import JobContext
from jobs.errors import JobFailed
from mlcore.artifacts import allocate, read_json
from mlcore.datasets import DatasetFolder
from mlcore.datasets.catalogue import fingerprint_of
from mlcore.errors import StaleIndexError
from mlcore.events import Progress
from mlcore.index import CannotGrow, Codes, IndexManifest, build_index, grow_index, load_vectors, plan_growth
from mlcore.index.engine import VectorEngine
from mlcore.index.engine_build import build_in_engine
from mlcore.index.matrix import release_pages
from mlcore.index.store import read_manifest
from mlcore.runs import read_shas
from retrieval.datasets.services.catalogue import fetch_pictures
from retrieval.errors import ModelSuspended, ModelUnavailable
from retrieval.models import Dataset, Index, Model
from retrieval.registry.services import vector_store
from retrieval.registry.services.external_encoders import encoder_for_job
from storage.store import place_of, store

if TYPE_CHECKING:
    from mlcore.inference.encoder_protocol import PictureEncoder

logger = logging.getLogger(__name__)

CHUNK = 20_000  # embeddings that are copied at a time


def written_index(context: JobContext, model: Model, dataset: Dataset, catalogue: DatasetFolder) -> Index:
    """Return the row of a job's index, written now unless a dead attempt has finished its files."""
    path = f"indexes/{model.weights_sha256[:16]}/job-{context.job_id}-{dataset.revision}"
    if not store().has(path):
        folder = place_of(path)
        if not folder.exists():
            _write(context, folder, model, dataset, catalogue)
        store().put(path)
    index = _row_of(read_manifest(store().local_copy(path)), model, dataset, path)
    vector_store.complete(index)
    return index


def _write(context: JobContext, folder: Path, model: Model, dataset: Dataset, catalogue: DatasetFolder) -> None:
    if (engine := vector_store.engine()) is not None:
        _fill(context, engine, folder, model, catalogue)
    elif not _grow(context, folder, model, dataset, catalogue):
        _build(context, folder, model, catalogue)


def _fill(context: JobContext, engine: VectorEngine, folder: Path, model: Model, catalogue: DatasetFolder) -> None:
    """Build the index in the vector store, in a collection of its own."""
    with vector_store.asked(f"the index of {model.name} cannot be built"):
        build_in_engine(
            engine,
            vector_store.collection_name(folder),
            folder,
            embeddings_of(model, catalogue, context.scratch, context.progress),
            catalogue.ids,
            **_facts(context, model, catalogue),
        )


def _grow(context: JobContext, folder: Path, model: Model, dataset: Dataset, catalogue: DatasetFolder) -> bool:
    """Let the active index grow in a copy; return False where one has to be built from nothing.

    Where nothing changed since the active one, a person wants another build.
    """
    serving = Index.objects.filter(model=model, dataset=dataset, active=True).first()
    if serving is None or serving.revision >= dataset.revision:
        return False
    ids, preprocessing = catalogue.ids, read_json(model.folder / "model.json")["preprocessing"]
    try:
        plan = plan_growth(serving.folder, ids, model_sha256=model.weights_sha256, preprocessing=preprocessing)
        order = np.argsort(ids)
        added = order[np.searchsorted(ids, plan.added, sorter=order)]  # rows of the catalogue, in the plan's order
        grow_index(
            folder,
            plan,
            embeddings_of(model, catalogue, context.scratch, context.progress, added),
            codes=_codes(catalogue)[order],
            progress=context.progress,
            threads=settings.TORCH_THREADS,
        )
    except (CannotGrow, StaleIndexError) as reason:
        logger.info("index %d of %s does not grow, another is built: %s", serving.pk, model.name, reason)
        return False
    return True


def _build(context: JobContext, folder: Path, model: Model, catalogue: DatasetFolder) -> None:
    build_index(
        folder,
        embeddings_of(model, catalogue, context.scratch, context.progress),
        catalogue.ids,
        threads=settings.TORCH_THREADS,
        **_facts(context, model, catalogue),
    )


def _facts(context: JobContext, model: Model, catalogue: DatasetFolder) -> dict[str, Any]:
    """Return what every build is told beside the vectors."""
    return {
        "model_sha256": model.weights_sha256,
        "preprocessing": read_json(model.folder / "model.json")["preprocessing"],
        "codes": _codes(catalogue),
        "progress": context.progress,
    }


def _codes(catalogue: DatasetFolder) -> Codes:
    return Codes.of(catalogue.labels, [picture.split for picture in catalogue.pictures])


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
            "collection": manifest.collection,
        },
    )
    return row


def embeddings_of(
    model: Model, catalogue: DatasetFolder, scratch: Path, progress: Progress, rows: np.ndarray[Any, Any] | None = None
) -> np.ndarray[Any, Any]:
    """Return the embeddings of pictures [n, dim]: of all, or of those `rows` of the catalogue that an index lacks.

    They are mapped from a file in `scratch`, so a million take no memory. Those that training left are taken by the
    picture's SHA-256, and of all pictures those of the active index by their key; only new pictures are embedded.
    """
    wanted = np.arange(len(catalogue.pictures)) if rows is None else rows
    row_of = {sha256: row for row, sha256 in enumerate(read_shas(model.folder))}
    stored = np.load(model.folder / "embeddings.npy", mmap_mode="r", allow_pickle=False)
    if len(wanted) == 0:
        return np.empty((0, stored.shape[1]), np.float32)
    file = scratch / "embeddings.npy"
    embeddings = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(len(wanted), stored.shape[1]))
    allocate(file, file.stat().st_size)
    sources = np.array([row_of.get(catalogue.pictures[row].sha256, -1) for row in wanted], np.int64)
    for start in range(0, len(wanted), CHUNK):
        part = slice(start, start + CHUNK)
        there = sources[part] >= 0
        embeddings[part][there] = stored[sources[part][there]]
        release_pages(embeddings)
        release_pages(stored)
    missing = np.flatnonzero(sources < 0)
    if rows is None:  # the rows of a growth are those that the active index does not hold
        missing = _taken_from_index(model, catalogue, missing, embeddings)
    if len(missing):
        embeddings[missing] = _embedded(model, catalogue, wanted[missing], progress)
    return embeddings


def _taken_from_index(
    model: Model, catalogue: DatasetFolder, missing: np.ndarray[Any, Any], embeddings: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Fill in vectors of the active index; return the rows of the catalogue still missing.

    A picture's key stands for its bytes for ever, so its vector is still right.
    """
    if len(missing) == 0:
        return missing
    ids = catalogue.ids[missing]
    serving = Index.objects.filter(model=model, active=True, dataset__images__in=ids[:1].tolist()).first()
    if serving is None:
        return missing
    try:
        index = load_vectors(serving.folder, model_sha256=model.weights_sha256)
    except StaleIndexError:  # a damaged one is what a rebuild is for
        return missing
    held = np.isin(ids, index.ids)
    for start in range(0, int(held.sum()), CHUNK):
        places, keys = missing[held][start : start + CHUNK], ids[held][start : start + CHUNK]
        embeddings[places] = index.vectors_of(keys)
        release_pages(embeddings)
        release_pages(index.vectors)
    return missing[~held]


def _embedded(
    model: Model, catalogue: DatasetFolder, rows: np.ndarray[Any, Any], progress: Progress
) -> np.ndarray[Any, Any]:
    from mlcore.inference.engine import load_engine

    if not model.is_external:
        encoder = load_engine(model.folder, places.cache(), settings.TORCH_THREADS)
        return _embedded_by(encoder, catalogue, rows, progress)
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
    fetch_pictures(catalogue, pictures, progress)
    cache = open_pixels(encoder.preprocessing, part, places.cache(), progress)
    return embed_rows(encoder, cache, np.arange(len(rows)), progress)
