import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def test_the_schema_is_valid_and_leaves_no_endpoint_out(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    paths = APIClient().get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").json()["paths"]
    for name in ("datasets", "models", "experiments", "indexes", "searches", "ballots", "jobs"):
        assert f"/api/v1/{name}/" in paths and f"/api/v1/{name}/{{id}}/" in paths
    for name in ("marks", "leaderboard", "losses"):
        assert f"/api/v1/{name}/" in paths
    assert "post" in paths["/api/v1/ballots/{id}/rate/"]
