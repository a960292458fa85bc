"""Lists are narrowed by what they know, and refuse the rest."""

import pytest
from rest_framework.test import APIClient


@pytest.mark.parametrize("query", ["stat=failed", "state=", "state=lost", "kind", "offset=3", "state=failed&state="])
def test_a_parameter_that_narrows_nothing_is_refused(member_api: APIClient, query: str) -> None:
    answer = member_api.get(f"/api/v1/jobs/?{query}")
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_parameters_narrow_together(member_api: APIClient) -> None:
    assert member_api.get("/api/v1/jobs/?state=failed&state=queued&kind=index&limit=5").status_code == 200
