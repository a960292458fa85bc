"""Pages of experiments, for curators."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from config.html_errors import rejection_as_message
from jobs import notices
from jobs.models import Job
from retrieval.experiments.forms import ExperimentForm
from retrieval.experiments.services import cloning, estimates, options, publishing, starting
from retrieval.experiments.services.field_titles import parameters_of, settings_of
from retrieval.experiments.services.tuning import measured_on, tunings_of
from retrieval.experiments.services.weights import file_of, weights_rows
from retrieval.experiments.views.runs import STOP_POLLING, progress_of
from retrieval.models import Experiment, Model, Report
from retrieval.registry.services import diagnostics, visibility
from retrieval.registry.services.legend import loss_titles
from retrieval.sparklines import curve_points


@curator_required
def new(request: HttpRequest) -> HttpResponse:
    """Show the form of a new experiment, filled in after another one if the query string names it, or start it."""
    form = ExperimentForm(request.POST or None, user=request.user, initial=_initial(request))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            protocol = options.fitted_protocol(
                **{name: values[name] for name in ("preset", "changes", "weights", "dataset")}
            )
            del values["preset"], values["changes"]
            values["weights"] = file_of(values["weights"])
            experiment = starting.start_experiment(**values, protocol=protocol, by=signed_in(request))
        except Rejected as error:
            form.add_error(None, str(error))
        else:
            return redirect("experiment", pk=experiment.pk)
    weights = weights_rows()
    context = {
        "form": form,
        "families": _families(),
        "ticked": set(form["losses"].value() or ()),
        "presets": options.presets(),
        "weights": weights,
        "overlaps": list(dict.fromkeys(row.warning for row in weights)),
    }
    return render(request, "retrieval/experiment_form.html", context, status=400 if form.errors else 200)


def _families() -> list[tuple[str, list[options.LossInfo]]]:
    """Return the losses by family, in the order of the table."""
    families: dict[str, list[options.LossInfo]] = {}
    for row in options.loss_table():
        families.setdefault(row["family"], []).append(row)
    return list(families.items())


FILLED_IN: Mapping[str, Callable[[Experiment], Mapping[str, object]]] = {
    "like": cloning.form_values,
    "fine_tune": cloning.fine_tuning_values,
}
"""What fills the form in, by the name in the query string of the experiment that it follows."""


def _initial(request: HttpRequest) -> Mapping[str, object]:
    for name, values_of in FILLED_IN.items():
        pk = request.GET.get(name, "")
        if pk.isdecimal() and len(pk) <= settings.KEY_MAX_DIGITS:
            return values_of(get_object_or_404(Experiment.objects.select_related("dataset"), pk=pk))
    dataset = request.GET.get("dataset", "")
    return {"dataset": dataset} if dataset.isdecimal() and len(dataset) <= settings.KEY_MAX_DIGITS else {}


@curator_required
@require_POST
def estimate(request: HttpRequest) -> HttpResponse:
    """Get the estimated time of the form's experiment; a trial run measures the speed first where it is unknown."""
    form = ExperimentForm(request.POST, user=request.user)
    form.fields["name"].required = False  # it takes no time
    if not form.is_valid():
        missing = [f"{form[name].label}: {error}" for name, errors in form.errors.items() for error in errors]
        return render(request, "retrieval/_estimate.html", {"missing": missing})
    values = form.cleaned_data
    weights, dataset = values["weights"], values["dataset"]
    try:
        protocol = options.fitted_protocol(
            **{name: values[name] for name in ("preset", "changes", "weights", "dataset")}
        )
        weights = file_of(weights)
        tuning = starting.tuning_of(
            protocol, **{name: values[name] for name in ("trials", "validation_classes", "tuning_folds")}
        )
        estimated = estimates.estimate_of(
            dataset, protocol, values["losses"], seeds=len(values["seeds"]), tuning=tuning, weights=weights
        )
        job = None if estimated else estimates.probe_of(dataset, protocol, weights=weights)
        if not estimated and (job is None or not job.is_active) and (job is None or "again" in request.POST):
            job = estimates.submit_probe(dataset, protocol, weights=weights, by=signed_in(request))
    except Rejected as error:
        return render(request, "retrieval/_estimate.html", {"missing": [str(error)]})
    titles = loss_titles()
    each = [(titles[loss], seconds) for loss, seconds in estimated["each"].items()] if estimated else []
    return render(request, "retrieval/_estimate.html", {"estimate": estimated, "each": each, "job": job})


@curator_required
@never_cache
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an experiment; the page polls while runs are active."""
    experiment = get_object_or_404(Experiment.objects.select_related("dataset"), pk=pk)
    notices.mark_read_at(signed_in(request), request.path)
    context = {
        "experiment": experiment,
        "runs": _runs(experiment),
        "figure_titles": diagnostics.run_titles(),
        "tunings": tunings_of(experiment),
        "tuning_measured_on": measured_on(experiment),
        "main_settings": settings_of(experiment.protocol)[0],
        "all_settings": settings_of(experiment.protocol),
        **_publishable(experiment),
        **progress_of(experiment),
        "curves": f"{reverse('run-curves')}?experiment={experiment.pk}",
        "is_working": _is_working(experiment),
        "can_be_fine_tuned": cloning.can_be_fine_tuned(experiment),
        "report": Report.objects.filter(experiment=experiment).first(),
    }
    return render(request, "retrieval/experiment.html", context)


def _publishable(experiment: Experiment) -> dict[str, Any]:
    rows = publishing.publishable_models(experiment)
    return {
        "publishable": rows,
        "publishable_keys": {row.pk for row in rows},
        "any_published": Model.objects.filter(run__experiment=experiment, published=True).exists(),
    }


@curator_required
@require_POST
@rejection_as_message(back="experiment")
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish a model of an experiment, or its best one, or unpublish one; and stay on the experiment's page."""
    experiment, wanted = get_object_or_404(Experiment, pk=pk), request.POST.get("model", "")
    if wanted == "best":
        model, published = publishing.best_model(experiment), True
    else:
        key = int(wanted) if wanted.isdecimal() and len(wanted) <= settings.KEY_MAX_DIGITS else 0
        model = get_object_or_404(Model, pk=key, run__experiment=experiment)
        published = "unpublish" not in request.POST
    visibility.set_published(model, published, by=signed_in(request))
    messages.success(request, f"{model.name} is {'published' if published else 'not published any more'}.")
    return redirect(f"{reverse('experiment', args=[pk])}#runs-title")


@curator_required
@never_cache
@require_GET
def runs(request: HttpRequest, pk: int) -> HttpResponse:
    """Get the polled table of an experiment's runs."""
    experiment = get_object_or_404(Experiment, pk=pk)
    context = {"experiment": experiment, "runs": _runs(experiment), "figure_titles": diagnostics.run_titles()}
    context |= _publishable(experiment)
    return render(request, "retrieval/_runs.html", context, status=200 if _is_working(experiment) else STOP_POLLING)


@curator_required
@never_cache
@require_GET
def tunings(request: HttpRequest, pk: int) -> HttpResponse:
    """Get the polled table of an experiment's tunings."""
    experiment = get_object_or_404(Experiment, pk=pk)
    context = {"experiment": experiment, "tunings": tunings_of(experiment)}
    return render(request, "retrieval/_tunings.html", context, status=200 if _is_working(experiment) else STOP_POLLING)


def _is_working(experiment: Experiment) -> bool:
    """Return whether a run or a tuning, which adds runs, is active."""
    rows: list[Any] = [*experiment.runs.select_related("job"), *experiment.tunings.select_related("job", "experiment")]
    return any(row.state in Job.ACTIVE for row in rows)


def _runs(experiment: Experiment) -> list[Any]:
    titles = loss_titles()
    rows: list[Any] = list(experiment.runs.select_related("job", "model"))
    for run in rows:
        run.loss_title = titles.get(run.loss, run.loss) + (" (tuned)" if run.tuned else "")
        run.settings = parameters_of(run)
        run.curve = curve_points([event["loss"] for event in run.history])
        run.is_warned = any(event.get("warnings") for event in run.history)
        run.figures = diagnostics.run_figures(run.metrics)
    return rows
