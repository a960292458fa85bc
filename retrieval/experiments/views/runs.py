"""Pages of runs: one run, the running one of an experiment, curves, and comparisons."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from jobs.models import Job
from jobs.views import status_context
from retrieval.experiments.services import comparing, estimates, queries
from retrieval.experiments.services import curves as curves_services
from retrieval.experiments.services.field_titles import parameters_of
from retrieval.models import Experiment, Run
from retrieval.registry.services import diagnostics
from retrieval.registry.services.legend import run_title

STOP_POLLING = 286  # htmx swaps the answer in and stops polling


def _selected(request: HttpRequest) -> list[Run]:
    """Return the runs named by the query string, in its order; anything else is left out."""
    keys = request.POST.getlist("run") or request.GET.getlist("run")
    wanted = [int(key) for key in keys if key.isdecimal() and len(key) <= settings.KEY_MAX_DIGITS]
    runs = queries.every_run().in_bulk(wanted)
    return [runs[key] for key in dict.fromkeys(wanted) if key in runs]


@curator_required
@never_cache
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a run: progress, curves, log, metrics and model."""
    run = get_object_or_404(queries.every_run(), pk=pk)
    context = {
        "run": run,
        "title": run_title(run),
        "figures": diagnostics.summary_figures(run.metrics) if run.metrics else [],
        "settings": parameters_of(run),
        **(status_context(run.job) if run.job else {}),
        **_epochs(run),
    }
    return render(request, "retrieval/run.html", context | {"curves": f"{reverse('run-curves')}?run={run.pk}"})


@curator_required
@never_cache
@require_GET
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """Get the polled part of a run's page."""
    run = get_object_or_404(queries.every_run(), pk=pk)
    return render(request, "retrieval/_run_log.html", {"run": run, **_epochs(run)}, status=_status([run]))


def _epochs(run: Run) -> Mapping[str, object]:
    """Return the rows of a run's table of epochs, and the titles of their metrics."""
    return {
        "epochs": curves_services.epoch_rows(run),
        "measured": [figure.title for figure in diagnostics.summary_figures(None)],
    }


def _status(runs: list[Run]) -> int:
    return 200 if any(run.state in Job.ACTIVE for run in runs) else STOP_POLLING


@curator_required
@never_cache
@require_GET
def now(request: HttpRequest, pk: int) -> HttpResponse:
    """Get the polled part of an experiment's page: the running training and the times."""
    experiment = get_object_or_404(Experiment, pk=pk)
    runs = list(experiment.runs.select_related("job"))
    active = _status(runs) == 200 or experiment.tunings.filter(job__state__in=Job.ACTIVE).exists()
    context = {"experiment": experiment, **progress_of(experiment)}
    return render(request, "retrieval/_now.html", context, status=200 if active else STOP_POLLING)


def progress_of(experiment: Experiment) -> Mapping[str, object]:
    """Return the context of an experiment's running training and times."""
    run = curves_services.running_of(experiment)
    return {
        "running": run,
        "running_title": run_title(run) if run else "",
        "time": estimates.time_of(experiment),
    }


@curator_required
@never_cache
@require_GET
def curves(request: HttpRequest) -> JsonResponse:
    """Get the curves of an experiment's runs, or of the selected ones."""
    key = request.GET.get("experiment", "")
    of_one = key.isdecimal() and len(key) <= settings.KEY_MAX_DIGITS
    return JsonResponse(
        curves_services.curves_of(queries.every_run().filter(experiment=int(key)) if of_one else _selected(request))
    )


@curator_required
@never_cache
@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """Compare runs: metrics, curves, differences of their protocols, and tests."""
    runs = _selected(request)
    names = "&".join(f"run={run.pk}" for run in runs)
    context: dict[str, Any] = {"runs": runs, "curves": f"{reverse('run-curves')}?{names}", "names": names}
    try:
        context |= {"compared": comparing.compared(runs)}
    except Rejected as error:
        context |= {"refused": str(error)}
        return render(request, "retrieval/compare.html", context, status=400 if runs else 200)
    job = comparing.test_of(runs)
    context |= {"job": job, "tests": comparing.test_rows(runs, job)}
    if request.headers.get("HX-Request"):
        stop = STOP_POLLING if job is None or not job.is_active else 200
        return render(request, "retrieval/_compare_tests.html", context, status=stop)
    return render(request, "retrieval/compare.html", context)


@curator_required
@require_POST
def test(request: HttpRequest) -> HttpResponse:
    """Queue the paired tests between runs."""
    runs = _selected(request)
    try:
        comparing.submit_test(runs, by=signed_in(request))
    except Rejected as error:
        messages.error(request, str(error))
    return redirect(f"{reverse('compare')}?{'&'.join(f'run={run.pk}' for run in runs)}#tests-title")
