"""Pages and files of the report of an experiment."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import curator_required, signed_in
from config.html_errors import rejection_as_message
from retrieval.experiments.attachments import report_drawing, report_file
from retrieval.experiments.services import reports as services
from retrieval.models import Experiment, Report
from retrieval.sparklines import curve_points, place_between


@curator_required
@never_cache
@require_GET
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the report of an experiment, or the button that creates one."""
    experiment = get_object_or_404(Experiment.objects.select_related("dataset"), pk=pk)
    document, job = services.document_of(experiment), services.latest_job(experiment)
    context: dict[str, Any] = {
        "experiment": experiment,
        "job": job,
        "included": services.included_in(job),
        "made": Report.objects.filter(experiment=experiment).first(),
        "formats": services.formats_of(experiment, services.FORMATS),
        "chart_formats": services.formats_of(experiment, services.CHARTS),
        "drawings": services.drawings_of(experiment),
        "external_models": services.external_models(experiment),
    }
    if document is not None:
        context["since"] = services.finished_since(experiment, document)
        context["is_old"] = not services.is_readable(document)
        context["report"] = None if context["is_old"] else _drawn(services.page_values(document))
        context["bibtex"] = services.bibtex_of(experiment, request.build_absolute_uri(request.path))
    return render(request, "retrieval/report.html", context)


def _drawn(values: Mapping[str, Any]) -> Mapping[str, object]:
    """Return a report's values with each row's metrics in the table's order, its interval, and the curves' points."""
    headlines = {row["name"]: row["metrics"][values["headline"]] for row in values["rows"]}
    low, high = min(one["low"] for one in headlines.values()), max(one["high"] for one in headlines.values())
    rows = {
        row["name"]: {
            **row,
            "cells": [row["metrics"][metric] for metric in values["metrics"]],
            "headline": headlines[row["name"]],
            "places": {
                name: place_between(low, headlines[row["name"]][name], high) for name in ("low", "mean", "high")
            },
        }
        for row in values["rows"]
    }
    scale = {"low": low, "high": high}
    curves = [(title, curve_points(losses), losses) for title, losses in values["curves"]]
    return {
        **values,
        "rows": list(rows.values()),
        "forest": [rows[row["name"]] for row in values["forest"]],
        "validation_curves": [
            (title, curve_points([value for _, value in curve]), curve) for title, curve in values["validation_curves"]
        ],
        "scale": scale,
        "curves": curves,
        "protocol": values["comparison"]["protocol"].items(),
    }


@curator_required
@never_cache
@require_GET
def status(request: HttpRequest, pk: int) -> HttpResponse:
    """Get the progress of the report's job; the page is loaded again when it has ended."""
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
    """Queue the job that creates the report."""
    included = [
        int(key)
        for key in request.POST.getlist("external_models")
        if key.isdecimal() and len(key) <= settings.KEY_MAX_DIGITS
    ]
    experiment = get_object_or_404(Experiment.objects.select_related("dataset"), pk=pk)
    services.submit_report(experiment, included=included, by=signed_in(request))
    return redirect("report", pk=pk)


@curator_required
@never_cache
@require_GET
def download(request: HttpRequest, pk: int, suffix: str) -> HttpResponseBase:
    """Download a file of the report; the HTML has its own styles, so it is not shown inside the site."""
    return report_file(get_object_or_404(Experiment, pk=pk), suffix)


@curator_required
@never_cache
@require_GET
def drawing(request: HttpRequest, pk: int, name: str) -> HttpResponseBase:
    """Get a drawing of the report, for the report's page."""
    return report_drawing(get_object_or_404(Experiment, pk=pk), name)
