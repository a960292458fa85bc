"""A loss needs nothing but its module and its row in the table: the site lists, trains and shows it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from retrieval.experiments.services import losses
from tests import planted as planting
from tests.retrieval.pages.views.test_front import text_of
from tests.retrieval.world import World, done, started

pytestmark = pytest.mark.django_db


def test_its_pages_show_it_without_an_animation(client: Client, planted_loss: str) -> None:
    assert planting.LOSS_TITLE in text_of(client.get(reverse("algorithms")))
    text = text_of(client.get(reverse("algorithm", args=[planted_loss])))
    assert planting.LOSS_IDEA in text and "<math" in text and "data-toy" not in text
    assert {row["name"]: row["picture"] for row in losses.algorithms()}[planted_loss] is None


def test_the_api_lists_it_with_its_parameters(planted_loss: str) -> None:
    rows: list[dict[str, Any]] = APIClient().get("/api/v1/losses/").json()
    [row] = [row for row in rows if row["name"] == planted_loss]
    assert row["title"] == planting.LOSS_TITLE and row["parameters"]["weight"]["default"] == 2.0


def test_the_form_of_an_experiment_offers_it(curator_client: Client, planted_loss: str) -> None:
    assert f'value="{planted_loss}"' in text_of(curator_client.get(reverse("experiment-new")))


@pytest.mark.usefixtures("children_here")
def test_its_training_is_shown_wherever_models_are(curator_client: Client, world: World, planted_loss: str) -> None:
    experiment = started(world.dataset, (planted_loss,))
    done(experiment.runs.get().job)
    run = experiment.runs.get()
    assert run.model.name == planting.LOSS_TITLE
    addresses = [
        reverse("run", args=[run.pk]),
        reverse("experiment", args=[experiment.pk]),
        reverse("model", args=[run.model.pk]),
        reverse("algorithm", args=[planted_loss]),
        reverse("leaderboard"),
    ]
    for address in addresses:
        assert planting.LOSS_TITLE in text_of(curator_client.get(address)), address
