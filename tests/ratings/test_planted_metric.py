"""A metric needs nothing but its row in the table: the site shows it wherever the row says."""

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from retrieval.models import Run
from tests import planted as planting
from tests.retrieval.pages.views.test_front import text_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db

BOARD = "/api/v1/leaderboard/"


@pytest.fixture
def measured(world: World, planted: str) -> Run:
    """A run that was measured by the planted metric; the other one was before."""
    found = world.models[0].run
    assert found is not None
    found.metrics[planted] = planting.VALUE
    found.metrics["intervals"][planted] = [planting.LOW, planting.HIGH]
    found.save()
    return found


def test_the_leaderboards_table_and_charts_have_it(client: Client, measured: Run) -> None:
    text = text_of(client.get(reverse("leaderboard")))
    assert f'<th scope="col" class="number">{planting.TITLE}</th>' in text and planting.SHOWN in text
    assert f'data-figure="{planting.NAME}"' in text and planting.MEANING in text
    assert f'<th scope="col" class="number">{planting.TITLE}</th>' in text_of(client.get(reverse("leaderboard-rows")))


def test_the_leaderboards_files_have_it(measured: Run) -> None:
    data = b"".join(APIClient().get(f"{BOARD}csv/").streaming_content)  # type: ignore[attr-defined]
    lines = {row["model"]: row for row in csv.DictReader(io.StringIO(data.decode()))}
    ends = [lines[measured.model.name][planting.NAME + end] for end in ("", "_low", "_high")]
    assert ends == [str(planting.VALUE), str(planting.LOW), str(planting.HIGH)]
    drawing = b"".join(APIClient().get(f"{BOARD}svg/").streaming_content)  # type: ignore[attr-defined]
    assert planting.TITLE in drawing.decode()


def test_the_api_lists_and_shows_it(measured: Run) -> None:
    listed: list[dict[str, Any]] = APIClient().get("/api/v1/metrics/").json()
    assert listed[-1]["name"] == planting.NAME and listed[-1]["title"] == planting.TITLE
    rows = {row["model"]: row for row in APIClient().get(BOARD).json()["datasets"][0]["rows"]}
    value = {"value": planting.VALUE, "sd": None, "low": planting.LOW, "high": planting.HIGH}
    assert rows.pop(measured.model.name)["metrics"][planting.NAME] == value
    [other] = rows.values()
    assert other["metrics"][planting.NAME] == {"value": None, "sd": None, "low": None, "high": None}


@pytest.mark.parametrize("name", ["run", "experiment", "model", "algorithm"])
def test_pages_of_runs_models_and_losses_have_it(curator_client: Client, measured: Run, name: str) -> None:
    keys = {"run": measured.pk, "experiment": measured.experiment_id, "model": measured.model.pk}
    text = text_of(curator_client.get(reverse(name, args=[keys.get(name, measured.loss)])))
    assert planting.TITLE in text and planting.SHOWN in text


def test_runs_side_by_side_have_it(curator_client: Client, measured: Run) -> None:
    asked = {"run": [run.pk for run in Run.objects.all()]}
    assert planting.TITLE in text_of(curator_client.get(reverse("compare"), asked))
