"""The files of a model: which it has, and which of them a person may download."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils.text import slugify

from accounts.roles import Visitor
from jobs.models import Job
from mlcore.runs import WEIGHTS
from retrieval.downloads import Download
from retrieval.models import Dataset, Model
from retrieval.registry.services.checksums import checksum_of
from retrieval.registry.services.published import visible_models


@dataclass(frozen=True)
class Part:
    """What lies in a model's folder: the names it may have there, and what it is."""

    names: tuple[str, ...]
    about: str


NETWORK: Mapping[str, Part] = {
    "weights": Part(tuple(WEIGHTS.values()), "the trained network"),
    "description": Part(("model.json",), "how to feed it, and how it was trained"),
    "metrics": Part(("metrics.json",), "what it earned on the held-out classes"),
    "history": Part(("history.jsonl",), "its training, epoch by epoch"),
}
SPACE: Mapping[str, Part] = {
    "embeddings": Part(("embeddings.npy",), "a row of numbers for each picture"),
    "images": Part(("images.csv",), "which picture each row is"),
}
PARTS = {**NETWORK, **SPACE}


def model_file(model: Model, part: str) -> Path | None:
    """Return a file of a model by its name in PARTS; None when there is none."""
    names = PARTS[part].names if part in PARTS else ()
    return next((model.folder / name for name in names if (model.folder / name).is_file()), None)


def kept_name(model: Model, file: Path) -> str:
    """Return the name under which a file of a model is kept, which tells it from another model's."""
    return f"{slugify(model.name) or 'model'}-{model.pk}-{file.name}"


def networks(user: Visitor, datasets: "QuerySet[Dataset]") -> Iterator[Download]:
    """Give the files of every model that this person may see."""
    return _model_files(user, datasets, NETWORK)


def spaces(user: Visitor, datasets: "QuerySet[Dataset]") -> Iterator[Download]:
    """Give the embeddings of every model that this person may see."""
    return _model_files(user, datasets, SPACE)


def _model_files(user: Visitor, datasets: "QuerySet[Dataset]", parts: Iterable[str]) -> Iterator[Download]:
    for model in visible_models(user).filter(dataset__in=datasets):
        yield from (download for _, download in parts_of(model, parts))


def parts_of(model: Model, parts: Iterable[str] = PARTS) -> Iterator[tuple[str, Download]]:
    """Give those of the parts that a model has, by name; who may see the model may keep them."""
    for part in parts:
        file = model_file(model, part)
        if file is not None:
            yield (
                part,
                Download(
                    dataset=model.dataset,
                    of=model.name,
                    color=model.color,
                    name=kept_name(model, file),
                    about=PARTS[part].about,
                    size=file.stat().st_size,
                    made_at=_time_of(file),
                    sha256=model.weights_sha256 if part == "weights" else checksum_of(file),
                    route=("download-model", model.pk, part),
                ),
            )


def files_of(model: Model) -> list[dict[str, Any]]:
    """Return {"name", "size", "sha256"} of each file of a model, by name; sha256 None until a worker has read it."""
    if not model.folder.is_dir():
        return []
    return [
        {
            "name": file.name,
            "size": file.stat().st_size,
            "sha256": model.weights_sha256 if file.name in WEIGHTS.values() else checksum_of(file),
        }
        for file in sorted(model.folder.iterdir())
        if file.is_file()
    ]


def maker_of(model: Model) -> int | None:
    """Return the key of the job that made a model; None where its row is gone."""
    if model.run is not None:
        return model.run.job_id
    return Job.objects.filter(kind="add-model", result__model=model.pk).values_list("pk", flat=True).first()


def _time_of(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)
