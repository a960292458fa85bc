import pytest
from rest_framework.test import APIClient

from accounts import audit
from accounts.models import User

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/audit/"


def test_an_entry_names_its_user_and_time(curator_api: APIClient, curator: User) -> None:
    audit.record(curator, "delete-dataset", "Wings", dataset=3)
    audit.record(None, "activate-index", "Wings")
    system, own = curator_api.get(ROOT, {"text": "Wings"}).json()["results"]
    assert (own["user"], own["user_name"], own["action"], own["target"]) == (
        curator.pk,
        "Cora",
        "delete-dataset",
        "Wings",
    )
    assert own["details"] == {"dataset": 3} and own["created_at"] <= system["created_at"]
    assert (system["user"], system["user_name"]) == (None, "the system")


def test_entries_are_filtered_by_user(curator_api: APIClient, curator: User) -> None:
    audit.record(curator, "delete-dataset", "Wings")
    audit.record(None, "activate-index", "Wings")
    for value, action in ((str(curator.pk), "delete-dataset"), ("null", "activate-index")):
        [entry] = curator_api.get(ROOT, {"user": value, "text": "Wings"}).json()["results"]
        assert entry["action"] == action
    assert curator_api.get(ROOT, {"who": curator.pk}).status_code == 400
