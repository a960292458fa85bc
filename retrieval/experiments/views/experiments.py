"""Pages about experiments, their runs and models, for curators."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from config.keys import MOST_DIGITS
from jobs.models import Job
from retrieval.experiments.forms import ExperimentForm
from retrieval.experiments.services import choosing, cloning, estimates, starting
from retrieval.experiments.services.tuning import tunings_of
from retrieval.experiments.views.runs import STOP_POLLING, at_work
from retrieval.models import Experiment, Report
from retrieval.registry.services import diagnostics
from retrieval.registry.services.loss_titles import loss_titles
from retrieval.sparklines import curve_points


@curator_required
def new(request: HttpRequest) -> HttpResponse:
    """Show the form of a new experiment, filled in like the one named by `like`, or start it."""
    form = ExperimentForm(request.POST or None, user=request.user, initial=_like(request))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            protocol = choosing.make_protocol(values.pop("preset"), values.pop("changes"), values["weights"])
            experiment = starting.start_experiment(**values, protocol=protocol, by=signed_in(request))
        except Rejected as error:
            form.add_error(None, str(error))
        else:
            return redirect("experiment", pk=experiment.pk)
    losses = [{"name": row["name"], "spec": row} for row in choosing.loss_table()]
    context = {"form": form, "losses": losses, "presets": choosing.presets()}
    return render(request, "retrieval/experiment_form.html", context, status=400 if form.errors else 200)


def _like(request: HttpRequest) -> dict[str, Any]:
    pk = request.GET.get("like", "")
    if not pk.isdecimal() or len(pk) > MOST_DIGITS:
        return {}
    return cloning.form_values(get_object_or_404(Experiment.objects.all(), pk=pk))


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
        protocol = choosing.make_protocol(values["preset"], values["changes"], weights)
        told = estimates.estimate_of(
            dataset, protocol, values["losses"], seeds=len(values["seeds"]), trials=values["trials"], weights=weights
        )
        job = None if told else estimates.probe_of(dataset, protocol, weights=weights)
        if not told and (job is None or not job.is_active) and (job is None or "again" in request.POST):
            job = estimates.submit_probe(dataset, protocol, weights=weights, by=signed_in(request))
    except Rejected as error:
        return render(request, "retrieval/_estimate.html", {"missing": [str(error)]})
    titles = loss_titles()
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
    titles = loss_titles()
    rows: list[Any] = list(experiment.runs.select_related("job", "model"))
    for run in rows:
        run.loss_title = titles.get(run.loss, run.loss) + (" (tuned)" if run.tuned else "")
        run.curve = curve_points([event["loss"] for event in run.history])
        run.is_warned = any(event.get("warnings") for event in run.history)
        run.figures = diagnostics.run_figures(run.metrics)
    return rows
