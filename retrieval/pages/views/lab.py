"""The lab: the page of jobs, experiments, models and data sets, and the lists behind it, for curators."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.permissions import curator_required
from jobs.models import Job
from jobs.services import visible_jobs
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.models import Dataset, Experiment, Model, Tuning
from retrieval.registry.services.legend import loss_titles

PAGE = 30
NEWEST = 8
EXPERIMENT_STATES = {"active": "running", "failed": "with failed runs", "finished": "finished", "archived": "archived"}
DATASET_STATES = {
    "public": "public",
    "private": "for members",
    "unlabelled": "without labels",
    "waiting": "not imported",
}
MODEL_STATES = {
    "published": "published",
    "unpublished": "not published",
    "suspended": "suspended",
    "archived": "archived",
}


@curator_required
@never_cache
@require_safe
def lab(request: HttpRequest) -> HttpResponse:
    """Show active jobs, and the newest experiments, models and data sets."""
    jobs = visible_jobs(request.user).select_related("owner")
    datasets = visible_datasets(request.user).order_by("-pk")
    experiments, models = _experiments().filter(archived_at=None), _models().filter(archived_at=None)
    context = {
        "datasets": datasets[:NEWEST],
        "dataset_count": datasets.count(),
        "experiments": experiments[:NEWEST],
        "experiment_count": experiments.count(),
        "models": _with_index(models[:NEWEST]),
        "model_count": models.count(),
        "suspended": models.filter(suspended_at__isnull=False),
        "jobs": [*jobs.filter(state__in=Job.ACTIVE)[:NEWEST], *jobs.exclude(state__in=Job.ACTIVE)[:5]],
    }
    return render(request, "retrieval/lab.html", context)


@curator_required
@never_cache
@require_safe
def datasets(request: HttpRequest) -> HttpResponse:
    """List data sets by name, licence and state."""
    wanted = _wanted(request, ("q", "licence", "state"))
    rows = visible_datasets(request.user).order_by("-pk")
    licences = sorted(set(rows.values_list("licence", flat=True)) - {""})
    of_state = {
        "public": Q(public=True),
        "private": Q(public=False),
        "unlabelled": Q(labelled=False),
        "waiting": Q(revision=0),
    }
    rows = rows.filter(Q(name__icontains=wanted["q"]), of_state.get(wanted["state"], Q()))
    if wanted["licence"]:
        rows = rows.filter(licence=wanted["licence"])
    context = {"wanted": wanted, "page": _page(request, rows), "states": DATASET_STATES, "licences": licences}
    return render(request, "retrieval/lab_datasets.html", context)


@curator_required
@never_cache
@require_safe
def experiments(request: HttpRequest) -> HttpResponse:
    """List experiments by name, data set, protocol and state."""
    wanted = _wanted(request, ("q", "dataset", "protocol", "state"))
    rows = _experiments().filter(archived_at__isnull=wanted["state"] != "archived")
    if wanted["q"]:
        rows = rows.filter(name__icontains=wanted["q"])
    if wanted["dataset"]:
        rows = rows.filter(dataset__slug=wanted["dataset"])
    if wanted["protocol"]:
        rows = rows.filter(protocol__name=wanted["protocol"])
    if wanted["state"] in ("active", "failed"):
        rows = rows.filter(**{f"{wanted['state']}__gt": 0})
    elif wanted["state"] == "finished":
        rows = rows.filter(active=0, failed=0)
    context = {"wanted": wanted, "page": _page(request, rows), "states": EXPERIMENT_STATES, **_choices()}
    return render(request, "retrieval/experiments.html", context)


@curator_required
@never_cache
@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """List models by name, data set, loss, protocol and state."""
    wanted = _wanted(request, ("q", "dataset", "loss", "protocol", "state"))
    rows = _models().filter(archived_at__isnull=wanted["state"] != "archived")
    if wanted["q"]:
        rows = rows.filter(Q(name__icontains=wanted["q"]) | Q(run__experiment__name__icontains=wanted["q"]))
    if wanted["dataset"]:
        rows = rows.filter(dataset__slug=wanted["dataset"])
    if wanted["loss"]:
        rows = rows.filter(loss=wanted["loss"])
    if wanted["protocol"]:
        rows = rows.filter(run__experiment__protocol__name=wanted["protocol"])
    of_state = {
        "published": Q(published=True),
        "unpublished": Q(published=False),
        "suspended": Q(suspended_at__isnull=False),
    }
    rows = rows.filter(of_state.get(wanted["state"], Q()))
    page = _page(request, rows)
    page.object_list = _with_index(page.object_list)
    context = {"wanted": wanted, "page": page, "states": MODEL_STATES, "losses": loss_titles(), **_choices()}
    return render(request, "retrieval/models.html", context)


def _wanted(request: HttpRequest, names: Iterable[str]) -> dict[str, str]:
    return {name: request.GET.get(name, "").strip().replace("\0", "") for name in names}


def _page(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    return Paginator(rows, PAGE).get_page(request.GET.get("page"))


def _choices() -> Mapping[str, object]:
    """Return the data sets and protocols that experiments have, as choices of filters."""
    protocols = Experiment.objects.order_by().values_list("protocol__name", flat=True).distinct()
    return {"datasets": Dataset.objects.filter(revision__gt=0), "protocols": sorted(protocols)}


def _experiments() -> QuerySet[Any]:
    """Return all experiments with the numbers of their runs: all, succeeded, active and failed."""
    open_tuning = Tuning.objects.filter(experiment=OuterRef("pk"), job__state__in=Job.ACTIVE)
    unfinished = Q(runs__metrics__isnull=True)
    return (
        Experiment.objects.select_related("dataset")
        .annotate(
            run_count=Count("runs", distinct=True),
            succeeded=Count("runs", filter=Q(runs__metrics__isnull=False), distinct=True),
            active=Count("runs", filter=unfinished & Q(runs__job__state__in=Job.ACTIVE), distinct=True),
            failed=Count("runs", filter=unfinished & Q(runs__job__state="failed"), distinct=True),
            is_tuning=Exists(open_tuning),
        )
        .order_by("-pk")
    )


def _models() -> QuerySet[Model]:
    return Model.objects.select_related("dataset", "run__experiment").prefetch_related("indexes").order_by("-pk")


def _with_index(models: Iterable[Model]) -> list[Model]:
    """Return the models, each with its active index as `active_index`."""
    rows = list(models)
    for model in rows:
        active = (index for index in model.indexes.all() if index.active)
        model.active_index = next(active, None)  # type: ignore[attr-defined]
    return rows
