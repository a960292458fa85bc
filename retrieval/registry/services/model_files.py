"""Which files of models and reports a person may keep."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.text import slugify

from accounts.roles import Visitor, is_curator
from mlcore.runs import WEIGHTS
from retrieval.datasets.services.seeing import visible_datasets
from retrieval.downloads import Download
from retrieval.experiments.services.reports import FORMATS, file_of
from retrieval.models import Dataset, Experiment, Model
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
FOR_WHOM = {
    "html": "a page that stands alone",
    "md": "text for a repository or an issue",
    "tex": "tables for a paper",
    "csv": "figures for a spreadsheet",
    "json": "everything, and enough to run it again",
}


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


def visible_reports(user: Visitor) -> QuerySet[Experiment]:
    """Return the experiments whose report this person may keep.

    Curators all; others those of data sets they may see, all of whose models are published.
    """
    made = Experiment.objects.filter(report__isnull=False, dataset__in=visible_datasets(user)).select_related("dataset")
    models = Model.objects.filter(run__experiment=OuterRef("pk"))
    if is_curator(user):
        return made
    return made.filter(Exists(models), ~Exists(models.filter(published=False)))


def reports(user: Visitor, datasets: "QuerySet[Dataset]") -> Iterator[Download]:
    """Give the report of every experiment in each of its formats."""
    for experiment in visible_reports(user).filter(dataset__in=datasets):
        for suffix in FORMATS:
            file = file_of(experiment, suffix)
            if file is not None:
                yield Download(
                    dataset=experiment.dataset,
                    of=experiment.name,
                    name=f"{slugify(experiment.name) or 'report'}.{suffix}",
                    about=FOR_WHOM[suffix],
                    size=file.stat().st_size,
                    made_at=_time_of(file),
                    sha256=checksum_of(file),
                    route=("download-report", experiment.pk, suffix),
                )


def _time_of(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)
