"""The report of an experiment: its page, its making, its files."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import curator_required, signed_in
from config.html_errors import rejection_as_message
from config.keys import MOST_DIGITS
from retrieval.experiments.report_files import report_file
from retrieval.experiments.services import reports as services
from retrieval.models import Experiment, Report
from retrieval.sparklines import curve_points, place_between


@curator_required
@never_cache
@require_GET
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the report of an experiment, or that there is none yet."""
    experiment = get_object_or_404(Experiment.objects.select_related("dataset"), pk=pk)
    document = services.document_of(experiment)
    context: dict[str, Any] = {
        "experiment": experiment,
        "job": services.latest_job(experiment),
        "made": Report.objects.filter(experiment=experiment).first(),
        "formats": services.FORMATS,
        "outside": services.outside_models(experiment),
    }
    if document is not None:
        context["since"] = services.finished_since(experiment, document)
        context["is_old"] = not services.is_readable(document)
        context["report"] = None if context["is_old"] else _drawn(services.page_values(document))
    return render(request, "retrieval/report.html", context)


def _drawn(values: dict[str, Any]) -> dict[str, Any]:
    """Add to each row its figures in the table's order and its headline's interval, and the curves' points."""
    bounds = [row["figures"][values["headline"]] for row in values["rows"]]
    low, high = min(found["low"] for found in bounds), max(found["high"] for found in bounds)
    for row, found in zip(values["rows"], bounds, strict=True):
        row["cells"] = [row["figures"][figure] for figure in values["figures"]]
        row["headline"] = found
        row["places"] = {name: place_between(low, found[name], high) for name in ("low", "mean", "high")}
    scale = {"low": low, "high": high}
    curves = [(title, curve_points(losses), losses) for title, losses in values["curves"]]
    return {**values, "scale": scale, "curves": curves, "protocol": values["comparison"]["protocol"].items()}


@curator_required
@never_cache
@require_GET
def status(request: HttpRequest, pk: int) -> HttpResponse:
    """Give how far the making is; once it has ended, have the page loaded again."""
    experiment = get_object_or_404(Experiment, pk=pk)
    job = services.latest_job(experiment)
    answer = render(request, "retrieval/_report_status.html", {"experiment": experiment, "job": job})
    if job is None or not job.is_active:
        answer["HX-Refresh"] = "true"
    return answer


@curator_required
@require_POST
@rejection_as_message(back="report")
def make(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue the making of the report."""
    also = [int(key) for key in request.POST.getlist("also") if key.isdecimal() and len(key) <= MOST_DIGITS]
    experiment = get_object_or_404(Experiment.objects.select_related("dataset"), pk=pk)
    services.submit_report(experiment, also=also, by=signed_in(request))
    return redirect("report", pk=pk)


@curator_required
@never_cache
@require_GET
def download(request: HttpRequest, pk: int, suffix: str) -> HttpResponseBase:
    """Give a file of the report to keep; the stand-alone page brings its own styles, so it is not shown here."""
    return report_file(get_object_or_404(Experiment, pk=pk), suffix)
