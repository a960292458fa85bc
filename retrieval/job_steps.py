"""Next steps after a job has ended: what its owner may do with the result, or about the failure."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from jobs.models import Job
from jobs.registry import Link
from retrieval import job_links
from retrieval.datasets.services.sources import is_upload
from retrieval.models import Dataset, Experiment, Model, Run, Tuning

Values = Mapping[str, Any]


def import_is_uploaded(payload: Values) -> bool:
    """Say whether an import reads what was uploaded, which nobody can mend in place."""
    dataset = Dataset.objects.filter(pk=payload.get("dataset", 0)).first()
    return dataset is not None and is_upload(payload.get("source") or dataset.source)


def is_uploaded(payload: Values) -> bool:
    """Say whether a job reads an upload that its payload names."""
    return bool(payload.get("upload")) or is_upload(str(payload.get("source", "")))


def _succeeded(job: Job) -> bool:
    return job.state == Job.State.SUCCEEDED


def after_import(job: Job) -> list[Link]:
    """See and train on the data set; or send another archive."""
    dataset = Dataset.objects.filter(pk=job.payload.get("dataset", 0)).first()
    if not _succeeded(job):
        again = [("Send another archive", reverse("dataset-import"))]
        return again + ([("Delete this data set", reverse("dataset-delete", args=[dataset.slug]))] if dataset else [])
    if dataset is None:
        return []
    train = [("Train on it", f"{reverse('experiment-new')}?dataset={dataset.pk}")] if dataset.labelled else []
    return [("See the data set", reverse("dataset", args=[dataset.slug])), *train]


def after_preview(job: Job) -> list[Link]:
    """See the preview; or send another archive."""
    return job_links.of_preview({}, job.result or {}) or [("Send another archive", reverse("dataset-import"))]


def after_change(job: Job) -> list[Link]:
    """See the changed data set; or try with other files."""
    dataset = Dataset.objects.filter(pk=job.payload.get("dataset", 0)).first()
    if dataset is None:
        return []
    page = [("See the data set", reverse("dataset", args=[dataset.slug]))]
    other = {
        "add-pictures": ("Send other pictures", "dataset-add"),
        "reimport": ("Choose another source", "dataset-reimport"),
    }
    if _succeeded(job) or job.kind not in other:
        return page
    words, name = other[job.kind]
    return [(words, reverse(name, args=[dataset.slug])), *page]


def after_training(job: Job) -> list[Link]:
    """Look at the model and publish it from its experiment; or read the log and start another one."""
    run = Run.objects.filter(pk=job.payload.get("run", 0)).select_related("experiment").first()
    if run is None:
        return [("Back to the lab", reverse("lab"))]
    if not _succeeded(job):
        like = f"{reverse('experiment-new')}?like={run.experiment_id}"
        return [("Read the log", reverse("run", args=[run.pk])), ("Change and start again", like)]
    model = job_links.of_model({}, job.result or {})
    return [("See the experiment", reverse("experiment", args=[run.experiment_id])), *model]


def after_tuning(job: Job) -> list[Link]:
    """See the experiment."""
    row = Tuning.objects.filter(pk=job.payload.get("tuning", 0)).first()
    return [("See the experiment", reverse("experiment", args=[row.experiment_id]))] if row else []


def after_report(job: Job) -> list[Link]:
    """Open the report; or see the experiment, whose runs say what is missing."""
    row = Experiment.objects.filter(pk=job.payload.get("experiment", 0)).first()
    if row is None:
        return []
    page = ("report", "Open report") if _succeeded(job) else ("experiment", "See the experiment")
    return [(page[1], reverse(page[0], args=[row.pk]))]


def after_index(job: Job) -> list[Link]:
    """See the model, where it is published."""
    model = Model.objects.filter(pk=job.payload.get("model", 0)).first()
    if model is None:
        return []
    words = "Publish the model" if _succeeded(job) and not model.published else "See the model"
    return [(words, reverse("model", args=[model.pk]))]


def after_adding_model(job: Job) -> list[Link]:
    """See the model; or send other files."""
    if _succeeded(job):
        return [("See the model", url) for _, url in job_links.of_model({}, job.result or {})]
    return [("Send other files", reverse("model-new"))]


def after_deleting(job: Job) -> list[Link]:
    """Go back to the lab."""
    return [("Back to the lab", reverse("lab"))]
