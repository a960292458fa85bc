"""Lists are narrowed by what they know, and refuse the rest."""

import django_filters
import pytest
from rest_framework.test import APIClient

from config.api.filter_fields import TrueOrFalse
from retrieval.models import Dataset
from tests.retrieval.world import World

pytestmark = pytest.mark.services


class Narrowed(django_filters.FilterSet):
    public = TrueOrFalse()

    class Meta:
        model = Dataset
        fields = ("public",)


@pytest.mark.parametrize("query", ["stat=failed", "state=", "state=lost", "kind", "offset=3", "state=failed&state="])
def test_a_parameter_that_narrows_nothing_is_refused(member_api: APIClient, query: str) -> None:
    answer = member_api.get(f"/api/v1/jobs/?{query}")
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_parameters_narrow_together(member_api: APIClient) -> None:
    assert member_api.get("/api/v1/jobs/?state=failed&state=queued&kind=index&limit=5").status_code == 200


@pytest.mark.parametrize(("said", "found"), [("true", {True}), ("false", {False}), (None, {True, False})])
def test_yes_and_no_are_said_in_words(said: str | None, found: set[bool], world: World) -> None:
    Dataset.objects.create(name="Hidden", slug="hidden", revision=1)
    assert set(Narrowed({"public": said}, Dataset.objects.all()).qs.values_list("public", flat=True)) == found


@pytest.mark.parametrize("said", ["maybe", "1", "yes", "nottrue", "True"])
def test_what_is_neither_is_refused(said: str) -> None:
    assert set(Narrowed({"public": said}, Dataset.objects.all()).errors) == {"public"}
