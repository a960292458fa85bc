import pytest
from django.db import transaction
from django.test import Client

from accounts import audit, personal_data, services
from accounts.models import AuditEntry, User

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_an_entry_says_who_did_what_to_what(curator: User) -> None:
    audit.record(curator, "delete-dataset", "Wings", pictures=3)
    entry = AuditEntry.objects.get()
    assert (entry.who, entry.who_name, entry.action, entry.target) == (curator, "Cora", "delete-dataset", "Wings")
    assert entry.details == {"pictures": 3} and str(entry) == "Cora: delete dataset Wings"


def test_what_nobody_asked_for_was_the_system() -> None:
    audit.record(None, "activate-index", "SoftTriple")
    assert AuditEntry.objects.get().who_name == "the system"


def test_a_very_long_name_is_cut_and_not_refused(curator: User) -> None:
    audit.record(curator, "delete-dataset", "W" * 500)
    assert AuditEntry.objects.get().target == "W" * 200


def test_an_entry_goes_with_the_transaction_that_it_tells_of(curator: User) -> None:
    with pytest.raises(OSError, match="disk"), transaction.atomic():
        audit.record(curator, "delete-dataset", "Wings")
        raise OSError("disk")
    assert not AuditEntry.objects.exists()


def test_who_leaves_stays_in_the_trail_as_a_former_member(admin: User, curator: User) -> None:
    audit.record(curator, "delete-dataset", "Wings")
    audit.record_about(admin, "change-role", curator, to="curator")
    services.delete_account(curator)
    left, told, done = AuditEntry.objects.all()
    assert (left.who_name, left.action, left.target) == ("a former member", "delete-account", "a former member")
    assert (told.who_name, told.target) == ("Ada", "a former member") and told.who == admin
    assert (done.who, done.who_name, done.target) == (None, "a former member", "Wings")
    assert "cora" not in str(list(AuditEntry.objects.values())).lower()


def test_an_export_holds_what_one_did_and_what_was_done_to_one(admin: User, curator: User) -> None:
    audit.record(curator, "delete-dataset", "Wings")
    audit.record_about(admin, "change-role", curator, to="curator")
    audit.record(admin, "delete-dataset", "Cars")
    entries = personal_data.export_all(curator)["audit"]
    assert [(entry["user_name"], entry["action"]) for entry in entries] == [
        ("Ada", "change-role"),
        ("Cora", "delete-dataset"),
    ]
    assert all(entry["created_at"] for entry in entries)


@pytest.mark.parametrize("way", ["delete/", "change/"])
def test_no_admin_may_change_the_trail(admin_client: Client, admin: User, way: str) -> None:
    audit.record(admin, "delete-dataset", "Wings")
    entry = AuditEntry.objects.get()
    assert admin_client.get(f"/admin/accounts/auditentry/{entry.pk}/change/").status_code == 200
    form = {"action": "nothing", "target": "nothing", "post": "yes"}
    assert admin_client.post(f"/admin/accounts/auditentry/{entry.pk}/{way}", form).status_code == 403
    assert admin_client.get("/admin/accounts/auditentry/add/").status_code == 403
    assert AuditEntry.objects.get().target == "Wings"
