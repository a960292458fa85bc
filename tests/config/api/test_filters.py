"""Lists are narrowed by what they know, and refuse the rest."""

import pytest
from django.core.exceptions import ValidationError
from rest_framework.test import APIClient

from config.api.filters import YesNoField


@pytest.mark.parametrize("query", ["stat=failed", "state=", "state=lost", "kind", "offset=3", "state=failed&state="])
def test_a_parameter_that_narrows_nothing_is_refused(member_api: APIClient, query: str) -> None:
    answer = member_api.get(f"/api/v1/jobs/?{query}")
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_parameters_narrow_together(member_api: APIClient) -> None:
    assert member_api.get("/api/v1/jobs/?state=failed&state=queued&kind=index&limit=5").status_code == 200


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("False", False), ("", None), (None, None)])
def test_yes_and_no_are_said_in_words(said: str | None, meant: bool | None) -> None:
    assert YesNoField(required=False).clean(said) is meant


@pytest.mark.parametrize("said", ["maybe", "1", "yes", "nottrue"])
def test_what_is_neither_is_refused(said: str) -> None:
    with pytest.raises(ValidationError, match="true or false"):
        YesNoField(required=False).clean(said)
