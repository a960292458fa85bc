"""Downloads of reports: which a person may download, and their files."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.db.models import Exists, OuterRef, QuerySet

from accounts.roles import Visitor, is_curator
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.downloads import Download
from retrieval.experiments.services.reports import FILES, download_name, file_of
from retrieval.models import Dataset, Experiment, Model
from retrieval.registry.services.checksums import checksum_of

FOR_WHOM = {
    "html": "stand-alone page",
    "md": "text for a repository or an issue",
    "tex": "tables for a paper",
    "csv": "metrics for a spreadsheet",
    "json": "everything, also for mlcore rerun",
    "svg": "chart for a slide, as vectors",
    "png": "chart for a slide, 1920 pixels wide",
}


def visible_reports(user: Visitor) -> QuerySet[Experiment]:
    """Return the experiments whose report this person may download.

    Curators all; others those of data sets they may see, all of whose models are published.
    """
    made = Experiment.objects.filter(report__isnull=False, dataset__in=visible_datasets(user)).select_related("dataset")
    models = Model.objects.filter(run__experiment=OuterRef("pk"))
    if is_curator(user):
        return made
    return made.filter(Exists(models), ~Exists(models.filter(published=False)))


def downloads_of_reports(user: Visitor, datasets: "QuerySet[Dataset]") -> Iterator[Download]:
    """Yield the report of every experiment in each of its formats."""
    for experiment in visible_reports(user).filter(dataset__in=datasets):
        for suffix in FILES:
            file = file_of(experiment, suffix)
            if file is not None:
                yield Download(
                    dataset=experiment.dataset,
                    of=experiment.name,
                    name=download_name(experiment, suffix),
                    about=FOR_WHOM[suffix],
                    size=file.stat().st_size,
                    created_at=datetime.fromtimestamp(file.stat().st_mtime, UTC),
                    sha256=checksum_of(file),
                    route=("download-report", experiment.pk, suffix),
                )
