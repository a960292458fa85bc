import csv
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, User

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def entries(admin: User, curator: User) -> list[AuditEntry]:
    """Three, the newest first."""
    audit.record(None, "activate-index", "SoftTriple")
    audit.record(admin, "change-role", "mia@example.org", now="curator")
    audit.record(curator, "delete-dataset", '=HYPERLINK("http://evil")')
    AuditEntry.objects.filter(who=None).update(at=timezone.now() - timedelta(days=40))
    return list(AuditEntry.objects.all())


def shown(client: Client, **asked: Any) -> list[AuditEntry]:
    answer = client.get("/lab/audit/", asked)
    assert answer.status_code == 200
    return list(answer.context["page"])


def test_the_trail_is_read_by_curators_only(client: Client, member_client: Client, curator_client: Client) -> None:
    for address in ("/lab/audit/", "/lab/audit/export"):
        assert client.get(address).headers["Location"].startswith("/accounts/login/")
        assert member_client.get(address).status_code == 403
        assert curator_client.get(address).status_code == 200
        assert curator_client.post(address).status_code == 405


def test_the_newest_comes_first(curator_client: Client, entries: list[AuditEntry]) -> None:
    page = curator_client.get("/lab/audit/").content.decode().partition("<tbody>")[2]
    assert page.index("delete dataset") < page.index("change role") < page.index("activate index")
    assert "now: <bdi>curator</bdi>" in page and "the system" in page


def test_an_empty_trail_says_so(curator_client: Client) -> None:
    answer = curator_client.get("/lab/audit/")
    assert "No entries yet" in answer.content.decode() and not answer.context["page"].object_list


def test_it_is_narrowed_by_person_action_text_and_day(
    curator_client: Client, curator: User, entries: list[AuditEntry]
) -> None:
    last, role, first = entries
    today, before = timezone.now().date(), timezone.now().date() - timedelta(days=20)
    assert shown(curator_client, user=curator.pk) == [last]
    assert shown(curator_client, user="null") == [first]
    assert shown(curator_client, action="change-role") == [role]
    assert shown(curator_client, text="MIA@") == [role]
    assert shown(curator_client, text="cora") == [last]
    assert shown(curator_client, until=before) == [first]
    assert shown(curator_client, since=before, until=today) == [last, role]
    assert shown(curator_client, text="nowhere") == []


@pytest.mark.parametrize(
    "asked", [{"user": "9" * 40}, {"user": "Mia"}, {"action": "invented"}, {"since": "soon"}, {"text": "x" * 500}]
)
def test_what_makes_no_sense_is_explained(
    curator_client: Client, entries: list[AuditEntry], asked: dict[str, str]
) -> None:
    answer = curator_client.get("/lab/audit/", asked)
    assert answer.status_code == 400 and "errorlist" in answer.content.decode()
    assert list(answer.context["page"]) == []


def test_a_long_trail_comes_in_pages(curator_client: Client, curator: User) -> None:
    AuditEntry.objects.bulk_create(
        AuditEntry(who=curator, who_name="Cora", action="make-report", target=f"Report {number}")
        for number in range(51)
    )
    assert len(shown(curator_client)) == 50 and len(shown(curator_client, page=2, action="make-report")) == 1


def test_the_export_holds_what_was_asked_for_and_no_formula(
    curator_client: Client, curator: User, entries: list[AuditEntry]
) -> None:
    answer = curator_client.get("/lab/audit/export", {"user": curator.pk})
    lines = list(csv.reader(answer.getvalue().decode().splitlines()))
    assert lines[0] == ["created_at", "user_name", "action", "target", "details"]
    assert [line[1:] for line in lines[1:]] == [["Cora", "delete-dataset", '\'=HYPERLINK("http://evil")', "{}"]]
