"""Pages about experiments, their runs and models, for curators."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.permissions import curator_required, signed_in
from jobs.models import Job
from jobs.services import visible_jobs
from retrieval.datasets.services import visible_datasets
from retrieval.datasets.services.moved_on import measured_revision
from retrieval.diagnostics import services as diagnostics
from retrieval.drawings import curve_points
from retrieval.encoders.services import external as encoders
from retrieval.errors import Refused
from retrieval.experiments import services
from retrieval.experiments.forms import ExperimentForm
from retrieval.experiments.run_views import MOST_DIGITS, STOP_POLLING, at_work
from retrieval.indexes.services import indexable_datasets
from retrieval.models import Experiment, Model, Report
from retrieval.tuning.services import tunings_of


@curator_required
@never_cache
@require_safe
def lab(request: HttpRequest) -> HttpResponse:
    """Show everything that a curator minds."""
    models = list(Model.objects.select_related("dataset", "run__experiment").prefetch_related("indexes"))
    for model in models:
        active = (index for index in model.indexes.all() if index.active)
        model.active_index = next(active, None)  # type: ignore[attr-defined]
    jobs = visible_jobs(request.user)
    context = {
        "datasets": visible_datasets(request.user),
        "experiments": services.experiments()[:20],
        "models": models,
        "suspended": [model for model in models if model.suspended_at],
        "jobs": [*jobs.filter(state__in=Job.ACTIVE), *jobs.exclude(state__in=Job.ACTIVE)[:10]],
    }
    return render(request, "retrieval/lab.html", context)


@curator_required
def new(request: HttpRequest) -> HttpResponse:
    """Show the form of a new experiment, filled in like the one named by `like`, or start it."""
    form = ExperimentForm(request.POST or None, user=request.user, initial=_like(request))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            protocol = services.make_protocol(values.pop("preset"), values.pop("changes"), values["weights"])
            experiment = services.start_experiment(**values, protocol=protocol, by=signed_in(request))
        except Refused as error:
            form.add_error(None, str(error))
        else:
            return redirect("experiment", pk=experiment.pk)
    losses = [{"name": row["name"], "spec": row} for row in services.loss_table()]
    context = {"form": form, "losses": losses, "presets": services.presets()}
    return render(request, "retrieval/experiment_form.html", context, status=400 if form.errors else 200)


def _like(request: HttpRequest) -> dict[str, Any]:
    pk = request.GET.get("like", "")
    if not pk.isdecimal() or len(pk) > MOST_DIGITS:
        return {}
    return services.form_values(get_object_or_404(Experiment.objects.all(), pk=pk))


@curator_required
@require_POST
def estimate(request: HttpRequest) -> HttpResponse:
    """Say how long what the form asks for will take here; measure it first where nobody knows."""
    form = ExperimentForm(request.POST, user=request.user)
    form.fields["name"].required = False  # it takes no time
    if not form.is_valid():
        wrong = [f"{form[name].label}: {said}" for name, errors in form.errors.items() for said in errors]
        return render(request, "retrieval/_estimate.html", {"missing": wrong})
    values = form.cleaned_data
    weights, dataset = values["weights"], values["dataset"]
    try:
        protocol = services.make_protocol(values["preset"], values["changes"], weights)
        told = services.estimate_of(
            dataset, protocol, values["losses"], seeds=len(values["seeds"]), trials=values["trials"], weights=weights
        )
        job = None if told else services.probe_of(dataset, protocol, weights=weights)
        if not told and (job is None or not job.is_active) and (job is None or "again" in request.POST):
            job = services.submit_probe(dataset, protocol, weights=weights, by=signed_in(request))
    except Refused as error:
        return render(request, "retrieval/_estimate.html", {"missing": [str(error)]})
    titles = services.loss_titles()
    each = [(titles[loss], seconds) for loss, seconds in told["each"].items()] if told else []
    return render(request, "retrieval/_estimate.html", {"told": told, "each": each, "job": job})


@curator_required
@never_cache
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an experiment; its runs refresh themselves while they work."""
    experiment = get_object_or_404(Experiment.objects.select_related("dataset"), pk=pk)
    context = {
        "experiment": experiment,
        "runs": _runs(experiment),
        "figure_titles": diagnostics.run_titles(),
        "tunings": tunings_of(experiment),
        "protocol_rows": list(experiment.protocol.items()),
        **at_work(experiment),
        "curves": f"{reverse('run-curves')}?experiment={experiment.pk}",
        "is_working": _is_working(experiment),
        "report": Report.objects.filter(experiment=experiment).first(),
    }
    return render(request, "retrieval/experiment.html", context)


@curator_required
@never_cache
@require_GET
def runs(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the part of an experiment's page that changes."""
    experiment = get_object_or_404(Experiment, pk=pk)
    context = {"experiment": experiment, "runs": _runs(experiment), "figure_titles": diagnostics.run_titles()}
    return render(request, "retrieval/_runs.html", context, status=200 if _is_working(experiment) else STOP_POLLING)


@curator_required
@never_cache
@require_GET
def tunings(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the part about tuning of an experiment's page, which changes as well."""
    experiment = get_object_or_404(Experiment, pk=pk)
    context = {"experiment": experiment, "tunings": tunings_of(experiment)}
    return render(request, "retrieval/_tunings.html", context, status=200 if _is_working(experiment) else STOP_POLLING)


def _is_working(experiment: Experiment) -> bool:
    """Say whether a run or a tuning, which brings more runs, is under way."""
    rows: list[Any] = [*experiment.runs.select_related("job"), *experiment.tunings.select_related("job", "experiment")]
    return any(row.state in Job.ACTIVE for row in rows)


def _runs(experiment: Experiment) -> list[Any]:
    titles = services.loss_titles()
    rows: list[Any] = list(experiment.runs.select_related("job", "model"))
    for run in rows:
        run.loss_title = titles.get(run.loss, run.loss) + (" (tuned)" if run.tuned else "")
        run.curve = curve_points([event["loss"] for event in run.history])
        run.is_warned = any(event.get("warnings") for event in run.history)
        run.figures = diagnostics.run_figures(run.metrics)
    return rows


@curator_required
@never_cache
@require_GET
def model(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a model with its figures and every index it had."""
    row = get_object_or_404(Model.objects.select_related("run__experiment", "dataset"), pk=pk)
    row.loss_title = services.loss_titles().get(row.loss, row.loss)  # type: ignore[attr-defined]
    context = {"model": row, "run": row.run, "indexes": services.indexes_of(row), **_diagnostics(row)}
    context |= {"files": services.files_of(row), "made_by": services.maker_of(row)}
    context["indexable"] = indexable_datasets(row)
    context["measured_revision"] = measured_revision(row)
    return render(request, "retrieval/model.html", context)


def _diagnostics(row: Model) -> dict[str, Any]:
    """Return what is known of why a model earns what it earns; less of one made before it was noted."""
    metrics, details = row.metrics or {}, diagnostics.details_of(row)
    training = diagnostics.training_of(row.run) if row.run else {"warnings": [], "curves": []}
    return {
        "metrics": diagnostics.metric_rows(metrics) if metrics else [],
        "queries": metrics.get("queries"),
        "gallery": metrics.get("gallery"),
        "shape": diagnostics.shape_of(metrics),
        "mistakes": diagnostics.mistakes_of(row, details) if details else None,
        "warnings": training["warnings"],
        "curves": [(title, curve_points(values), values) for title, values in training["curves"]],
    }


@curator_required
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Let searches use a suspended model again."""
    encoders.resume(get_object_or_404(Model, pk=pk), by=signed_in(request))
    return redirect("model", pk=pk)


@curator_required
@require_POST
def toggle_published(request: HttpRequest, pk: int) -> HttpResponse:
    """Let people search with a model, or not any more."""
    row = get_object_or_404(Model, pk=pk)
    try:
        services.set_published(row, not row.published, by=signed_in(request))
    except Refused as error:
        messages.error(request, str(error))
    return redirect("model", pk=pk)
