"""The lists of the lab."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from retrieval.models import Dataset
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def sets(world: World) -> None:
    Dataset.objects.update(licence="CC BY 4.0", public=True)
    Dataset.objects.create(name="Moths", slug="moths", public=False, licence="CC0", revision=1)
    Dataset.objects.create(name="Box of wings", slug="box", public=False, labelled=False)


def listed(client: Client, **query: str) -> list[str]:
    answer = client.get(reverse("lab-datasets"), query)
    assert answer.status_code == 200
    return re.findall(r'<th scope="row"><a href="/datasets/([\w-]+)/">', answer.content.decode())


@pytest.mark.usefixtures("sets")
@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ({}, ["box", "moths", "wings"]),
        ({"q": "WING"}, ["box", "wings"]),
        ({"licence": "CC0"}, ["moths"]),
        ({"state": "public"}, ["wings"]),
        ({"state": "private"}, ["box", "moths"]),
        ({"state": "unlabelled"}, ["box"]),
        ({"state": "waiting"}, ["box"]),
        ({"q": "wing", "state": "private"}, ["box"]),
        ({"q": "\0", "state": "odd", "page": "x"}, ["box", "moths", "wings"]),
        ({"q": "auk"}, []),
    ],
)
def test_data_sets_are_filtered(curator_client: Client, query: dict[str, str], slugs: list[str]) -> None:
    assert listed(curator_client, **query) == slugs


@pytest.mark.usefixtures("sets")
def test_the_lab_shows_the_newest_data_sets_and_the_number_of_all(
    curator_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.pages.views.lab.NEWEST", 2)
    answer = curator_client.get(reverse("lab"))
    assert answer.context["dataset_count"] == 3
    assert [dataset.slug for dataset in answer.context["datasets"]] == ["box", "moths"]


def test_the_list_of_data_sets_is_for_curators(member_client: Client) -> None:
    assert member_client.get(reverse("lab-datasets")).status_code == 403
