"""Pages that had another URL before redirect to the new one for good."""

from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

SEARCH = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"/searches/{SEARCH}/answers/csv", reverse("search-results", args=[SEARCH, "csv"])),
        (f"/searches/{SEARCH}/why/3/5/", reverse("explanation", args=[SEARCH, 3, 5])),
        ("/shared/abc/why/3/5/", reverse("shared-explanation", args=["abc", 3, 5])),
        ("/rankings/7/relevance", reverse("mark", args=[7])),
    ],
)
def test_an_old_url_leads_to_the_new_one(client: Client, old: str, new: str) -> None:
    response = client.get(old, query_params={"page": "2"})
    assert response.status_code == 301 and response["Location"] == f"{new}?page=2" and new != old
