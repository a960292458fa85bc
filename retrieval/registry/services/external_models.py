"""Imports of external models: files are stored, tried by a child process, and then listed."""

import json
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts import audit
from accounts.models import User
from config import places
from config.errors import Conflict, Rejected
from jobs import services as jobs
from jobs.children import run_child
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.artifacts import read_json, write_json
from retrieval.datasets.services.catalogue import catalogue_with_pictures, require_labels
from retrieval.datasets.services.upload_files import fetched_upload, write_file
from retrieval.models import Dataset, Model
from retrieval.models.upload import uploads
from retrieval.registry.services.indexes import submit_index
from retrieval.registry.services.legend import next_color
from storage.store import key_of, place_of, store
from storage.transfers import discard

NETWORKS = (".onnx", ".safetensors")
DESCRIPTION_MAX_BYTES = 2**20
NAME_LENGTH = 160  # what the database's column holds


def submit_model(
    *,
    dataset: Dataset,
    name: str = "",
    weights: "UploadedFile[bytes] | None" = None,
    description: "UploadedFile[bytes] | None" = None,
    embeddings: "UploadedFile[bytes] | None" = None,
    images: "UploadedFile[bytes] | None" = None,
    by: User | None,
) -> Job:
    """Store weights with their description, or embeddings with their list of pictures; queue the import.

    The model is listed when the import has succeeded. Default name: the description's, or the file's.

    Raises:
        Conflict: the data set is not imported.
        Rejected: the files are not one of the two pairs, of the wrong kind or too
            large, or the description is not JSON.
    """
    if not dataset.is_ready:
        raise Conflict(f"{dataset.name} is not imported yet; wait for its job")
    require_labels(dataset)
    network, vectors = (weights, description), (embeddings, images)
    if weights and description and not any(vectors):
        return _submit_network(dataset, name, weights, description, by)
    if embeddings and images and not any(network):
        return _submit_embeddings(dataset, name, embeddings, images, by)
    raise Rejected("the files do not make a model; give weights and description, or embeddings and images")


def _submit_network(
    dataset: Dataset, name: str, weights: "UploadedFile[bytes]", description: "UploadedFile[bytes]", by: User | None
) -> Job:
    suffix = _suffix(weights, NETWORKS)
    about = _described(description)
    listed = _listed_name(name, about.get("name") or about.get("loss") or Path(weights.name or "").stem)
    with _new_upload() as folder:
        write_file(weights, folder / f"model{suffix}")
        write_json(folder / "model.json", {**about, "name": listed})
        return _submit(dataset, listed, folder, by)


def _submit_embeddings(
    dataset: Dataset, name: str, embeddings: "UploadedFile[bytes]", images: "UploadedFile[bytes]", by: User | None
) -> Job:
    _suffix(embeddings, (".npy",))
    _suffix(images, (".csv",))
    with _new_upload() as folder:
        write_file(embeddings, folder / "embeddings.npy")
        write_file(images, folder / "images.csv")
        return _submit(dataset, _listed_name(name, Path(embeddings.name or "").stem), folder, by)


def _submit(dataset: Dataset, name: str, folder: Path, by: User | None) -> Job:
    store().put(key_of(folder))
    with transaction.atomic():
        job = jobs.submit("add-model", {"dataset": dataset.pk, "name": name, "upload": folder.name}, by=by)
        audit.record(by, "add-model", name, dataset=dataset.name, job=job.pk)
    return job


def _suffix(file: "UploadedFile[bytes]", allowed: tuple[str, ...]) -> str:
    """Return how the file's name ends; its size is checked as well, before anything is stored."""
    suffix = Path(file.name or "").suffix.lower()
    if suffix not in allowed:
        raise Rejected(f"{file.name} must end in {' or '.join(allowed)}")
    if file.size is None or file.size > settings.MODEL_MAX_BYTES:
        raise Rejected(f"{file.name} is larger than {settings.MODEL_MAX_BYTES // 2**20:,} MB")
    return suffix


def _described(description: "UploadedFile[bytes]") -> Mapping[str, object]:
    if description.size is None or description.size > DESCRIPTION_MAX_BYTES:
        raise Rejected(f"{description.name} is larger than 1 MB; a description says how to feed the network, no more")
    try:
        about = json.loads(description.read())
    except (ValueError, RecursionError) as error:
        raise Rejected(f"{description.name} is not JSON: {error}") from None
    if not isinstance(about, dict):
        raise Rejected(f"{description.name} must hold one JSON object")
    return about


def _listed_name(given: str, otherwise: object) -> str:
    """Return a name that can be stored and shown: one line, printable, not too long."""
    words = "".join(letter if letter.isprintable() else " " for letter in given or str(otherwise)).split()
    return " ".join(words)[:NAME_LENGTH] or "external"


@contextmanager
def _new_upload() -> Iterator[Path]:
    """Yield a new folder for an upload; an error deletes it."""
    folder = uploads() / f"model-{uuid.uuid4()}"
    folder.mkdir(parents=True)
    try:
        yield folder
    except BaseException:
        discard(key_of(folder))
        raise


def run_add_job(context: JobContext, dataset: int, name: str, upload: str) -> dict[str, int]:
    """Try, evaluate and store an uploaded model; list it and queue its index. Safe to run again.

    The upload stays until that has succeeded, for a retry.
    """
    artifact, files = f"outside/job-{context.job_id}", fetched_upload(upload)
    model = Model.objects.filter(artifact=artifact).first()
    if model is None:
        row, _ = catalogue_with_pictures(dataset, context.progress)
        store().delete(artifact)  # left by a dead attempt, or by another database
        _add_in_child(context, row, name, files, place_of(artifact))
        context.check()
        store().put(artifact)
        context.beat()
        context.check()
        model = _store_model(row, name, artifact, store().local_copy(artifact))
    owner = User.objects.filter(pk=context.asked_by_id).first() if context.asked_by_id else None
    index_job = submit_index(model, by=owner)
    discard(key_of(files))
    return {"model": model.pk, "index_job": index_job.pk}


def _add_in_child(context: JobContext, dataset: Dataset, name: str, files: Path, out: Path) -> None:
    command = [sys.executable, "-m", "mlcore", *_what(files, name), "--events", "jsonl", "--child"]
    command += ["--data", str(dataset.folder), "--out", str(out)]
    run_child(command, on_event=context.hear_progress, should_stop=context.should_stop, cwd=settings.BASE_DIR)


def _what(files: Path, name: str) -> list[str]:
    """Return the command that imports an upload's folder."""
    network = next((file for suffix in NETWORKS if (file := files / f"model{suffix}").is_file()), None)
    if network is not None:
        limits = [f"--start-seconds={settings.ENCODER_START_SECONDS}", f"--batch-seconds={settings.ENCODER_SECONDS}"]
        return ["add-model", "--weights", str(network), "--cache", str(places.cache()), *limits]
    if not (files / "embeddings.npy").is_file():
        raise JobFailed("the uploaded files are gone; send them again")
    pair = ["--embeddings", str(files / "embeddings.npy"), "--images", str(files / "images.csv")]
    return ["add-embeddings", *pair, f"--name={name}"]


@transaction.atomic
def _store_model(dataset: Dataset, name: str, artifact: str, out: Path) -> Model:
    described: Mapping[str, Any] = read_json(out / "model.json")
    model, _ = Model.objects.get_or_create(
        artifact=artifact,
        defaults={
            "dataset": dataset,
            "name": name,
            "weights_sha256": described["weights_sha256"],
            "dim": described["dim"],
            "measured": read_json(out / "metrics.json"),
            "licence": str(described.get("licence", ""))[:300],
            "has_network": described["kind"] != "embeddings",
            "color": next_color(dataset),
        },
    )
    return model
