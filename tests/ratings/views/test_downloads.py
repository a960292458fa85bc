from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from ratings.services import exports
from ratings.services.exports import EXPORTS
from retrieval.models import Dataset
from tests.ratings.services.test_ballots import rated
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("part", EXPORTS)
def test_members_keep_what_people_said(member_client: Client, other_member: User, world: World, part: str) -> None:
    rated(other_member)
    where = reverse("download-ratings", args=["wings", part])
    answer = member_client.get(where)
    data = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert answer["Content-Disposition"] == f'attachment; filename="wings-{EXPORTS[part].suffix}"'
    assert answer["Content-Type"] == EXPORTS[part].content_type
    assert answer["X-Content-Type-Options"] == "nosniff" and int(answer["Content-Length"]) == len(data)
    text = member_client.get(reverse("downloads"), {"kind": "ratings"}).content.decode()
    assert where in text and "written when you download it" in text and "files-checksum" not in text


def test_the_list_writes_no_export_and_asks_as_often_for_many_data_sets(
    member_client: Client, other_member: User, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rated(other_member)
    monkeypatch.setattr(exports, "EXPORTS", {"ratings.csv": replace(EXPORTS["ratings.csv"], content=None)})  # type: ignore[arg-type]
    member_client.get(reverse("downloads"))
    with CaptureQueriesContext(connection) as few:
        assert "blind-ratings" in member_client.get(reverse("downloads")).content.decode()
    for number in range(5):
        Dataset.objects.create(name=f"Set {number}", slug=f"set-{number}", source="x", revision=1)
    with CaptureQueriesContext(connection) as many:
        member_client.get(reverse("downloads"))
    assert len(many) == len(few)


def test_before_the_first_word_nothing_is_listed_and_the_tables_are_empty(member_client: Client, world: World) -> None:
    assert "blind-ratings" not in member_client.get(reverse("downloads")).content.decode()
    answer = member_client.get(reverse("download-ratings", args=["wings", "ratings.csv"]))
    assert len(b"".join(answer.streaming_content).splitlines()) == 1  # type: ignore[attr-defined]


def test_what_is_not_there_is_not_found(client: Client, member_client: Client, world: World) -> None:
    assert client.get(reverse("download-ratings", args=["wings", "ratings.csv"])).status_code == 302
    for where in (["wings", "people"], ["nothing", "ratings.csv"]):
        assert member_client.get(reverse("download-ratings", args=where)).status_code == 404
    Dataset.objects.update(revision=0)
    assert member_client.get(reverse("download-ratings", args=["wings", "ratings.csv"])).status_code == 404


def test_the_old_address_of_the_ratings_leads_to_the_new_one(client: Client) -> None:
    answer = client.get("/downloads/ratings/wings/votes.csv")
    where = reverse("download-ratings", args=["wings", "ratings.csv"])
    assert (answer.status_code, answer["Location"]) == (301, where)
