import html
import json
import re

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from jobs.models import Job
from mlcore.artifacts import write_json
from retrieval.experiments.services import reports as services
from retrieval.models import Experiment, Report
from tests.retrieval.world import World, done, started

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment(world: World) -> Experiment:
    return Experiment.objects.get()


def make(experiment: Experiment) -> None:
    done(services.submit_report(experiment, by=None))


def test_a_curator_makes_a_report_and_reads_it(curator_client: Client, experiment: Experiment) -> None:
    page = reverse("report", args=[experiment.pk])
    assert "No report yet" in curator_client.get(page).content.decode()
    assert curator_client.post(reverse("report-make", args=[experiment.pk]))["Location"] == page
    job = services.latest_job(experiment)
    waiting = curator_client.get(page).content.decode()
    assert "No report yet" not in waiting and reverse("report-status", args=[experiment.pk]) in waiting
    assert "HX-Refresh" not in curator_client.get(reverse("report-status", args=[experiment.pk]))
    done(job)
    assert curator_client.get(reverse("report-status", args=[experiment.pk]))["HX-Refresh"] == "true"
    text = curator_client.get(page).content.decode()
    for said in (
        "SoftTriple",
        "Multi-Similarity",
        "MAP@R",
        "one seed",
        "resnet10t",
        "No run has finished since",
    ):
        assert said in text, said
    assert "style=" not in text and "<svg" in text
    assert "Open report" in curator_client.get(reverse("experiment", args=[experiment.pk])).content.decode()


def test_the_page_shows_titles_of_fields(curator_client: Client, experiment: Experiment) -> None:
    make(experiment)
    protocol = (
        curator_client.get(reverse("report", args=[experiment.pk])).content.decode().split('id="protocol-title"')[1]
    )
    names = re.findall(r"<dt>([^<]+)</dt>", protocol)
    assert "Memory warm-up" in names and not [name for name in names if "_" in name]


def test_a_report_made_before_there_were_charts_offers_none(curator_client: Client, experiment: Experiment) -> None:
    make(experiment)
    (Report.objects.get().folder / "report.png").unlink()
    text = curator_client.get(reverse("report", args=[experiment.pk])).content.decode()
    assert reverse("report-file", args=[experiment.pk, "png"]) not in text
    assert curator_client.get(reverse("report-file", args=[experiment.pk, "png"])).status_code == 404


def test_the_page_has_a_chart_numbers_in_the_matrix_and_texts_to_copy(
    curator_client: Client, experiment: Experiment
) -> None:
    make(experiment)
    text = html.unescape(curator_client.get(reverse("report", args=[experiment.pk])).content.decode())
    document = services.document_of(experiment)
    assert document is not None
    best = max(row["metrics"]["map_at_r"]["mean"] for row in document["rows"])
    chart = text.split('<ol class="forest">')[1].split("</ol>")[0]
    assert chart.count("</li>") == 3 and chart.index(f"<b>{100 * best:.2f}</b>") < chart.index("forest-scale")
    [pair] = document["pairs"]["map_at_r"]
    matrix = text.split('<table class="matrix">')[1]
    assert f"{100 * pair['low']:.2f} to {100 * pair['high']:.2f}" in matrix and pair["conclusion"] == "one seed"
    assert f"{-100 * abs(pair['difference']):+.2f} (" in chart, "the difference to the best"
    assert f"{100 * pair['difference']:.2f}" in matrix and f"{-100 * pair['difference']:.2f}" in matrix
    assert "@misc{kindred-small-" in text and "| # | loss | Recall@1 |" in text
    for suffix in services.CHARTS:
        assert reverse("report-file", args=[experiment.pk, suffix]) in text


def test_the_page_says_how_many_runs_finished_since(curator_client: Client, experiment: Experiment) -> None:
    make(experiment)
    run = experiment.runs.all()[0]
    experiment.runs.create(loss=run.loss, params=run.params, seed=7, metrics=run.metrics)
    assert 'data-since="1"' in curator_client.get(reverse("report", args=[experiment.pk])).content.decode()


def test_a_report_of_an_earlier_version_is_kept_and_not_misread(curator_client: Client, experiment: Experiment) -> None:
    make(experiment)
    file = Report.objects.get().folder / "report.json"
    write_json(file, {"format": 1, "cells": {}})
    text = curator_client.get(reverse("report", args=[experiment.pk])).content.decode()
    assert "by an older version" in text and "Table: metrics" not in text
    assert reverse("report-file", args=[experiment.pk, "json"]) in text


def test_every_format_is_offered_to_keep_and_never_shown_in_the_site(
    curator_client: Client, experiment: Experiment
) -> None:
    make(experiment)
    for suffix, kind in services.FILES.items():
        answer = curator_client.get(reverse("report-file", args=[experiment.pk, suffix]))
        assert answer["Content-Disposition"] == f'attachment; filename="small.{suffix}"'
        assert answer["Content-Type"].startswith(kind)
        assert len(b"".join(answer.streaming_content)) > 100  # type: ignore[attr-defined]


def test_files_that_are_not_there_are_not_found(curator_client: Client, experiment: Experiment) -> None:
    assert curator_client.get(reverse("report-file", args=[experiment.pk, "csv"])).status_code == 404
    make(experiment)
    for suffix in ("pdf", "json-"):
        assert curator_client.get(reverse("report-file", args=[experiment.pk, suffix])).status_code == 404


def test_a_report_that_cannot_be_is_explained(curator_client: Client, world: World) -> None:
    waiting = started(world.dataset)
    answer = curator_client.post(reverse("report-make", args=[waiting.pk]), follow=True)
    assert "is finished yet" in answer.content.decode() and not Job.objects.filter(kind="report").exists()


def test_why_a_report_failed_is_said(curator_client: Client, experiment: Experiment, world: World) -> None:
    (world.models[0].folder / "per_query.npz").unlink()
    job = services.submit_report(experiment, by=None)
    from jobs.services import run_job

    run_job(job.pk)
    assert "per_query.npz" in curator_client.get(reverse("report", args=[experiment.pk])).content.decode()


def test_each_table_of_further_metrics_has_a_drawing_beside_it(curator_client: Client, experiment: Experiment) -> None:
    make(experiment)
    page = reverse("report", args=[experiment.pk])
    text = curator_client.get(page).content.decode()
    document = services.document_of(experiment)
    assert document is not None
    names = {table.name for table in services.page_values(document)["further_tables"]} - {"robustness"}
    assert (
        {drawing.name for drawing in services.drawings_of(experiment)}
        == names
        == {"sizes-pca", "sizes-first", "sizes-int8", "open-set"}
    )
    for name in names:
        address = reverse("report-drawing", args=[experiment.pk, name])
        section = text.split(f'id="{name}-title"')[1].split("</section>")[0]
        assert f'src="{address}" width="576" height="' in section
        answer = curator_client.get(address)
        assert answer["Content-Type"] == "image/svg+xml"
        assert answer["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        assert b"".join(answer.streaming_content).startswith(b"<svg")  # type: ignore[attr-defined]
    assert "unsafe-inline" not in curator_client.get(page)["Content-Security-Policy"]
    assert curator_client.get(reverse("report-drawing", args=[experiment.pk, "robustness"])).status_code == 404


def test_a_report_made_before_there_were_drawings_says_how_to_get_them(
    curator_client: Client, experiment: Experiment
) -> None:
    make(experiment)
    for file in Report.objects.get().folder.glob("drawing-*.svg"):
        file.unlink()
    text = curator_client.get(reverse("report", args=[experiment.pk])).content.decode()
    assert "Update the report to get the drawings" in text and 'class="drawing"' not in text


@pytest.mark.parametrize("name", ["report", "report-status", "report-file", "report-drawing"])
def test_reports_are_for_curators(client: Client, member_client: Client, experiment: Experiment, name: str) -> None:
    last = {"report-file": ["csv"], "report-drawing": ["open-set"]}.get(name, [])
    address = reverse(name, args=[experiment.pk, *last])
    assert client.get(address).status_code == 302 and member_client.get(address).status_code == 403
    make_address = reverse("report-make", args=[experiment.pk])
    assert member_client.post(make_address).status_code == 403 and member_client.get(make_address).status_code in (
        403,
        405,
    )
    assert not Job.objects.filter(kind="report").exists()


# --- over the API


def test_a_client_makes_a_report_and_reads_it(curator_api: APIClient, experiment: Experiment) -> None:
    address = f"/api/v1/experiments/{experiment.pk}/report/"
    missing = curator_api.get(address)
    assert missing.status_code == 404 and missing["Content-Type"] == "application/problem+json"
    assert "has no report yet" in missing.json()["detail"]
    answer = curator_api.post(address)
    assert answer.status_code == 202 and curator_api.get(answer["Location"]).json()["kind"] == "report"
    done(services.latest_job(experiment))
    document = curator_api.get(address).json()
    assert {row["name"] for row in document["rows"]} == {"soft_triple", "multi_similarity"}
    kept = curator_api.get(f"{address}json/")
    assert json.loads(b"".join(kept.streaming_content)) == document  # type: ignore[attr-defined]
    assert curator_api.get(f"{address}pdf/").status_code == 404


def test_the_api_refuses_what_cannot_be_reported_and_whom_it_must(
    curator_api: APIClient, member_api: APIClient, world: World, experiment: Experiment
) -> None:
    waiting = started(world.dataset)
    refused = curator_api.post(f"/api/v1/experiments/{waiting.pk}/report/")
    assert refused.status_code == 409 and "is finished yet" in refused.json()["detail"]
    for method in (member_api.get, member_api.post):
        assert method(f"/api/v1/experiments/{experiment.pk}/report/").status_code == 403
    assert not Report.objects.exists()
