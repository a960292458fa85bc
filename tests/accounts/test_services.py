from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import authenticate
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts import personal_data, services
from accounts.errors import AccountError
from accounts.models import ApiToken, AuditEntry, User
from accounts.roles import Role, is_admin, is_curator, is_member, role_of
from tests.conftest import PASSWORD, person

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_an_account_has_its_role_and_can_sign_in() -> None:
    user = services.create_account(" Mia@Example.org ", PASSWORD, "member", "Mia")
    assert (user.email, str(user), role_of(user)) == ("mia@example.org", "Mia", Role.MEMBER)
    assert authenticate(None, email="MIA@example.org", password=PASSWORD) == user


@pytest.mark.parametrize(
    ("email", "password", "role", "sentence"),
    [
        ("mia", PASSWORD, "member", "'mia': Enter a valid email address."),
        ("mia@example.org", "12345", "member", "too short"),
        ("mia@example.org", PASSWORD, "boss", "no role named 'boss'; known: member, curator, admin"),
    ],
)
def test_a_bad_account_is_refused_and_nothing_is_written(email: str, password: str, role: str, sentence: str) -> None:
    with pytest.raises(AccountError, match=sentence):
        services.create_account(email, password, role, "Mia")
    assert not User.objects.exists()


def test_one_email_is_one_account_whatever_its_case(member: User) -> None:
    with pytest.raises(AccountError, match="has an account already"):
        services.create_account(member.email.upper(), PASSWORD, "member", "Again")


def test_an_account_without_a_password_cannot_sign_in_by_password() -> None:
    user = services.create_account("mia@example.org", None, "member", "Mia")
    assert not user.has_usable_password()


@pytest.mark.parametrize(
    ("role", "answers"),
    [("member", (True, False, False)), ("curator", (True, True, False)), ("admin", (True, True, True))],
)
def test_each_role_can_do_what_the_ones_before_it_can(role: str, answers: tuple[bool, ...]) -> None:
    user = person("x", role)
    assert (is_member(user), is_curator(user), is_admin(user)) == answers
    assert user.is_staff is user.is_superuser is (role == "admin")


def test_an_inactive_admin_may_nothing(admin: User) -> None:
    admin.is_active = False
    assert not is_member(admin) and not is_admin(admin)


def test_a_role_replaces_the_one_before(admin: User, member: User) -> None:
    services.set_role(member, "admin")
    assert is_admin(member)
    services.set_role(member, "curator")
    stored = User.objects.get(pk=member.pk)
    assert stored.group_names == {"curator"} and not stored.is_staff and not stored.is_superuser


def test_the_last_admin_stays_admin_and_cannot_leave(admin: User, curator: User) -> None:
    with pytest.raises(AccountError, match="is the only admin"):
        services.set_role(admin, "member")
    with pytest.raises(AccountError, match="is the only admin"):
        services.delete_account(admin)
    assert is_admin(User.objects.get(pk=admin.pk))
    services.set_role(curator, "admin")
    services.delete_account(admin)
    assert not User.objects.filter(email="ada@example.org").exists()


def test_createsuperuser_makes_an_admin() -> None:
    user = User.objects.create_superuser("root@example.org", PASSWORD, display_name="Root")
    assert is_admin(user) and user.is_staff


def test_a_changed_role_is_in_the_trail_and_an_unchanged_one_is_not(admin: User, member: User) -> None:
    assert not AuditEntry.objects.exists()  # two sign-ups
    for _ in range(2):
        services.set_role(member, "curator", by=admin)
    entry = AuditEntry.objects.get()
    assert (entry.who, entry.action, entry.target) == (admin, "change-role", member.email)
    assert entry.details == {"account": member.pk, "before": "member", "now": "curator"}


# --- tokens


def test_everybodys_tokens_are_in_the_trail(curator: User, member: User) -> None:
    for user in (curator, member):
        token, _ = services.create_token(user, f"of {user}")
        for _ in range(2):
            services.revoke_token(token, by=user)
    found = AuditEntry.objects.values_list("action", "target", "who__email")
    assert list(found) == [
        (action, f"of {user}", user.email) for user in (member, curator) for action in ("revoke-token", "make-token")
    ]


def test_only_the_digest_of_a_token_is_stored(member: User) -> None:
    token, secret = services.create_token(member, "notebook", read_only=True, lifetime=timedelta(days=30))
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert secret.startswith("kin_") and secret not in str(row)
    assert row["read_only"] and row["name"] == "notebook" and row["expiry"] > timezone.now()


@pytest.mark.parametrize(("name", "lifetime"), [("  ", None), ("notebook", timedelta(0))])
def test_a_token_needs_a_name_and_some_time(member: User, name: str, lifetime: timedelta | None) -> None:
    with pytest.raises(AccountError):
        services.create_token(member, name, lifetime=lifetime)
    assert not ApiToken.objects.exists()


def test_revoking_twice_is_no_error(member: User) -> None:
    token, _ = services.create_token(member, "notebook")
    services.revoke_token(token, by=member)
    services.revoke_token(token, by=member)
    assert not services.tokens_of(member).exists()


def test_expired_tokens_are_not_listed(member: User) -> None:
    token, _ = services.create_token(member, "notebook", lifetime=timedelta(days=1))
    ApiToken.objects.filter(pk=token.pk).update(expiry=timezone.now())
    assert not services.tokens_of(member).exists()


def test_the_use_of_a_token_is_noted_once_a_minute(member: User) -> None:
    token, _ = services.create_token(member, "notebook")
    services.note_token_use(token)
    first = ApiToken.objects.get().last_used_at
    services.note_token_use(token)
    assert first is not None and ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    services.note_token_use(token)
    assert ApiToken.objects.get().last_used_at > first - timedelta(minutes=2)


# --- personal data


def test_an_export_holds_the_account_and_no_secret(member: User) -> None:
    _, secret = services.create_token(member, "notebook")
    data = personal_data.export_all(member)
    assert data["account"]["email"] == member.email and data["account"]["role"] == "member"
    assert data["account"]["tokens"][0]["name"] == "notebook"
    assert secret not in str(data) and member.password not in str(data)


def test_a_deleted_account_leaves_nothing_behind_and_others_alone(member: User, other_member: User) -> None:
    services.create_token(member, "notebook")
    services.delete_account(member)
    assert list(User.objects.all()) == [other_member] and not ApiToken.objects.exists()


def test_the_account_is_erased_last(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_data, "SECTIONS", dict(personal_data.SECTIONS))
    found = []
    personal_data.register("diary", lambda user: [], lambda user: found.append(User.objects.get(pk=user.pk)))
    services.delete_account(member)
    assert len(found) == 1 and not User.objects.exists()


def test_the_admin_sites_log_forgets_the_name(member: User, admin: User) -> None:
    address = member.emailaddress_set.get()  # type: ignore[attr-defined]
    token, _ = services.create_token(member, "Mias laptop")
    for row in (member, address, token):
        LogEntry.objects.create(
            user=admin,
            content_type=ContentType.objects.get_for_model(row),
            object_id=str(row.pk),
            object_repr=str(row),
            action_flag=CHANGE,
        )
    services.delete_account(member)
    assert set(LogEntry.objects.values_list("object_repr", flat=True)) == {"a deleted account"}


def test_a_deletion_that_fails_midway_deletes_nothing(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(user: User) -> None:
        raise OSError("disk")

    sections = {"broken": personal_data.Section(lambda user: [], fail), **personal_data.SECTIONS}
    monkeypatch.setattr(personal_data, "SECTIONS", sections)  # the first registered: erased after the account
    with pytest.raises(OSError, match="disk"):
        services.delete_account(member)
    assert User.objects.filter(email="mia@example.org").exists()


def test_a_section_has_one_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_data, "SECTIONS", {})
    for _ in range(2):
        personal_data.register("account", services.export_account, services.erase_account)
    with pytest.raises(ValueError, match="'account' is registered already"):
        personal_data.register("account", print, services.erase_account)
