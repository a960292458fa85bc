"""Links of jobs to the pages of their input and output."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from jobs.registry import Link
from retrieval.models import Dataset, Experiment, Index, Model, Run, Tuning

Values = Mapping[str, Any]


def _key(values: Values, name: str) -> list[int]:
    """Return the id in a job's payload or result, none while it is unknown."""
    return [values[name]] if values.get(name) is not None else []


def of_import(payload: Values, result: Values) -> list[Link]:
    """Link to the data set."""
    rows = Dataset.objects.filter(pk__in=_key(payload, "dataset"))
    return [(f"Data set {row.name}", reverse("dataset", args=[row.slug])) for row in rows]


def of_preview(payload: Values, result: Values) -> list[Link]:
    """Link to the preview of an import."""
    return [("The preview", reverse("dataset-preview", args=[key])) for key in _key(result, "preview")]


def of_training(payload: Values, result: Values) -> list[Link]:
    """Link to the run, its experiment and its model."""
    runs = Run.objects.filter(pk__in=_key(payload, "run")).select_related("experiment")
    links = [("The run", reverse("run", args=[run.pk])) for run in runs]
    return links + [link for run in runs for link in _experiment(run.experiment)] + of_model(payload, result)


def of_tuning(payload: Values, result: Values) -> list[Link]:
    """Link to the experiment."""
    rows = Tuning.objects.filter(pk__in=_key(payload, "tuning")).select_related("experiment")
    return [link for row in rows for link in _experiment(row.experiment)]


def of_report(payload: Values, result: Values) -> list[Link]:
    """Link to the experiment, and to its report if it exists."""
    rows = Experiment.objects.filter(pk__in=_key(payload, "experiment")).select_related("report")
    reports = [("The report", reverse("report", args=[row.pk])) for row in rows if hasattr(row, "report")]
    return [link for row in rows for link in _experiment(row)] + reports


def of_model(payload: Values, result: Values) -> list[Link]:
    """Link to the created or indexed model."""
    rows = Model.objects.filter(pk__in=_key({**payload, **result}, "model"))
    return [(f"Model {row.name}", reverse("model", args=[row.pk])) for row in rows]


def of_index(payload: Values, result: Values) -> list[Link]:
    """Link to the model and its indexes."""
    built = Index.objects.filter(pk__in=_key(result, "index")).select_related("model")
    where = [(f"Index {row.pk}", f"{reverse('model', args=[row.model_id])}#indexes-title") for row in built]
    return of_model(payload, {}) + where


def of_comparison(payload: Values, result: Values) -> list[Link]:
    """Link to the comparison."""
    names = "&".join(f"run={pk}" for pk in payload.get("runs", ()))
    return [("The comparison", f"{reverse('compare')}?{names}")]


def _experiment(row: Experiment) -> list[Link]:
    return [(f"Experiment {row.name}", reverse("experiment", args=[row.pk]))]
