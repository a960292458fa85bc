"""Files of models: which there are, and which a person may download."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from django.db.models import QuerySet
from django.utils.text import slugify

from accounts.roles import Visitor
from jobs.models import Job
from mlcore.runs import WEIGHTS
from retrieval.downloads import Download
from retrieval.models import Dataset, Model
from retrieval.registry.services.checksums import checksum_of
from retrieval.registry.services.visibility import visible_models
from storage.store import FolderFile, place_of, store


@dataclass(frozen=True)
class Part:
    """A kind of file in a model's folder: its possible names, and what it holds."""

    names: tuple[str, ...]
    about: str


NETWORK: Mapping[str, Part] = {
    "weights": Part(tuple(WEIGHTS.values()), "the trained network"),
    "description": Part(("model.json",), "preprocessing and training settings"),
    "metrics": Part(("metrics.json",), "its metrics on the held-out classes"),
    "history": Part(("history.jsonl",), "its training by epoch"),
}
SPACE: Mapping[str, Part] = {
    "embeddings": Part(("embeddings.npy",), "the embedding of every picture"),
    "images": Part(("images.csv",), "which row of the embeddings belongs to which picture"),
}
PARTS = {**NETWORK, **SPACE}


def model_file(model: Model, part: str) -> Path | None:
    """Return a file of a model by its name in PARTS; None when there is none."""
    names = PARTS[part].names if part in PARTS else ()
    return next((model.folder / name for name in names if (model.folder / name).is_file()), None)


def download_name(model: Model, name: str) -> str:
    """Return the name of a file as it is downloaded, which is different for each model."""
    return f"{slugify(model.name) or 'model'}-{model.pk}-{name}"


def networks(user: Visitor, datasets: "QuerySet[Dataset]") -> Iterator[Download]:
    """Yield the files of all models that this person may see."""
    return _model_files(user, datasets, NETWORK)


def spaces(user: Visitor, datasets: "QuerySet[Dataset]") -> Iterator[Download]:
    """Yield the embeddings of all models that this person may see."""
    return _model_files(user, datasets, SPACE)


def _model_files(user: Visitor, datasets: "QuerySet[Dataset]", parts: Iterable[str]) -> Iterator[Download]:
    for model in visible_models(user).filter(dataset__in=datasets):
        yield from (download for _, download in parts_of(model, parts))


def parts_of(model: Model, parts: Iterable[str] = PARTS) -> Iterator[tuple[str, Download]]:
    """Yield the parts that a model has, by name; who may see the model may download them."""
    stored = {file.path: file for file in store().files(model.artifact)}
    for part in parts:
        file = next((stored[name] for name in PARTS[part].names if name in stored), None)
        if file is not None:
            yield (
                part,
                Download(
                    dataset=model.dataset,
                    of=model.name,
                    color=model.color,
                    name=download_name(model, file.path),
                    about=PARTS[part].about,
                    size=file.bytes,
                    created_at=file.changed_at,
                    sha256=_sha256_of(model, file),
                    route=("download-model", model.pk, part),
                ),
            )


class StoredFile(TypedDict):
    """A file of a model; size in bytes; sha256 None until a worker has read it."""

    name: str
    size: int
    sha256: str | None


def files_of(model: Model) -> list[StoredFile]:
    """Return all files of a model, by name."""
    return [
        {"name": file.path, "size": file.bytes, "sha256": _sha256_of(model, file)}
        for file in store().files(model.artifact)
        if "/" not in file.path
    ]


def _sha256_of(model: Model, file: FolderFile) -> str | None:
    if file.path in WEIGHTS.values():
        return model.weights_sha256
    return file.sha256 or checksum_of(place_of(model.artifact) / file.path)


def maker_of(model: Model) -> int | None:
    """Return the key of the job that created a model; None if it was deleted."""
    if model.run is not None:
        return model.run.job_id
    return Job.objects.filter(kind="add-model", result__model=model.pk).values_list("pk", flat=True).first()
