"""What the former password gave ends with it, whichever way the new one came."""

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from accounts import services
from accounts.models import ApiToken, AuditEntry, User
from accounts.people import services as people
from tests.accounts.security.mails import NEW, confirm, reset_by
from tests.conftest import PASSWORD, api_of, proven, signed_in

pytestmark = pytest.mark.django_db
VICTIM, ATTACKER = "victim@example.org", "attacker@evil.example"


def squatted(**more: bool) -> tuple[User, Client]:
    """Sign up in the victim's name and sign in; `more` are further addresses and whether they are confirmed."""
    Client().post("/accounts/signup/", {"email": VICTIM, "display_name": "V", "password1": PASSWORD})
    client = Client()
    client.post("/accounts/login/", {"login": VICTIM, "password": PASSWORD})
    user = User.objects.get(email=VICTIM)
    for email, verified in more.items():
        EmailAddress.objects.create(user=user, email=email, verified=verified)  # as versions before allowed
    return user, client


def addresses_of(user: User) -> set[tuple[str, bool]]:
    return set(EmailAddress.objects.filter(user=user).values_list("email", "verified"))


# --- every door


def by_change(user: User, client: Client) -> None:
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})


def by_reset(user: User, client: Client) -> None:
    assert reset_by(user.email)


def by_an_admin(user: User, client: Client) -> None:
    admin = signed_in(services.create_account("root@example.org", PASSWORD, "admin", "Root"))
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert admin.post(f"/admin/accounts/user/{user.pk}/password/", form).status_code == 302


def by_an_admin_who_disables_it(user: User, client: Client) -> None:
    admin = signed_in(services.create_account("root@example.org", PASSWORD, "admin", "Root"))
    form = {"usable_password": "false", "unset-password": "1"}
    assert admin.post(f"/admin/accounts/user/{user.pk}/password/", form).status_code == 302


def by_command(user: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: NEW)
    call_command("changepassword", user.email, verbosity=0)


def by_code(user: User, client: Client) -> None:
    user.set_password(NEW)
    user.save()


def by_code_for_one_column(user: User, client: Client) -> None:
    user.set_password(NEW)
    user.save(update_fields=["password"])


DOORS = (by_change, by_reset, by_an_admin, by_an_admin_who_disables_it, by_code, by_code_for_one_column)


def assert_ended(user: User, api: Client, other: Client) -> None:
    assert api.get("/api/v1/me/").status_code == 401 and not ApiToken.objects.exists()
    assert other.get("/me/data/").status_code == 302
    assert addresses_of(user) == {(user.email, True), ("second@example.org", True)}
    entry = AuditEntry.objects.get(action="end-access")
    assert entry.details == {"account": user.pk, "tokens": 1, "addresses": 1}


def with_access(user: User) -> tuple[Client, Client]:
    """Give the member a token, a second session, and further addresses, one of them confirmed."""
    for email in ("second@example.org", "unconfirmed@evil.example"):
        EmailAddress.objects.create(user=user, email=email, verified=email.startswith("second"))
    return api_of(user), signed_in(user)


@pytest.mark.parametrize("door", DOORS)
def test_tokens_sessions_and_unconfirmed_addresses_end_with_the_password(
    member: User, door: Callable[[User, Client], None]
) -> None:
    api, other = with_access(member)
    door(member, signed_in(member))
    assert_ended(member, api, other)


def test_the_command_is_a_door_too(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    api, other = with_access(member)
    by_command(member, Client(), monkeypatch)
    assert_ended(member, api, other)


def test_who_changes_the_password_stays_signed_in_here_alone(member: User, member_client: Client) -> None:
    other = signed_in(member)
    for client in (member_client, other):
        client.get("/me/data/")
    by_change(member, member_client)
    assert member_client.get("/me/data/").status_code == 200 and other.get("/me/data/").status_code == 302
    assert "this browser only" in member_client.get("/me/security/").content.decode()


def test_a_reset_signs_out_everywhere(member: User, member_client: Client) -> None:
    member_client.get("/me/data/")
    by_reset(member, member_client)
    assert member_client.get("/me/data/").status_code == 302


def test_the_pages_and_the_mail_say_what_a_new_password_revokes(member: User, member_client: Client) -> None:
    assert "revokes its API tokens" in member_client.get("/accounts/password/change/").content.decode()
    by_change(member, member_client)
    assert "all API tokens are revoked" in member_client.get("/me/security/").content.decode()
    assert "all API tokens are revoked" in str(mail.outbox[-1].body)
    assert "revokes" not in Client().get("/accounts/signup/").content.decode()


def test_a_new_account_begins_without_an_entry(member: User) -> None:
    assert not AuditEntry.objects.exists()


# --- who registers in another's name keeps nothing


def test_an_unconfirmed_account_makes_no_token_and_adds_no_address() -> None:
    user, attacker = squatted()
    page = proven(attacker).post("/me/tokens/", {"name": "key", "expires_in_days": ""}).content.decode()
    assert not ApiToken.objects.exists() and "action_send" in page
    answer = attacker.post("/api/v1/tokens/", {"name": "key"}, content_type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (403, "/api/problems/unconfirmed-address")
    mail.outbox.clear()
    attacker.post("/accounts/email/", {"email": ATTACKER, "action_add": ""})
    assert addresses_of(user) == {(VICTIM, False)} and not mail.outbox


@pytest.mark.parametrize("confirmed", [True, False])
def test_the_owner_who_resets_the_password_has_the_account_alone(confirmed: bool) -> None:
    user, attacker = squatted(**{ATTACKER: confirmed})
    ApiToken.objects.create(user=user, name="made before")
    assert reset_by(VICTIM)
    assert addresses_of(user) == {(VICTIM, True)} and not ApiToken.objects.exists()
    assert attacker.get("/me/data/").status_code == 302
    assert not reset_by(ATTACKER, "the-attackers-passphrase")
    assert User.objects.get(pk=user.pk).check_password(NEW)


def test_the_owner_who_confirms_the_address_has_it_alone() -> None:
    user, _ = squatted(**{ATTACKER: True})
    confirm(VICTIM)
    assert addresses_of(user) == {(VICTIM, True)}
    assert not reset_by(ATTACKER)


def test_a_further_address_opens_no_unconfirmed_account() -> None:
    user, _ = squatted(**{ATTACKER: True})
    assert not reset_by(ATTACKER) and reset_by(VICTIM)
    assert user.email == VICTIM


def test_a_confirmed_further_address_resets_the_password_and_stays(member: User) -> None:
    EmailAddress.objects.create(user=member, email="second@example.org", verified=True)
    assert reset_by("second@example.org")
    assert addresses_of(member) == {(member.email, True), ("second@example.org", True)}


def test_an_unconfirmed_further_address_resets_nothing(member: User) -> None:
    EmailAddress.objects.create(user=member, email=ATTACKER, verified=False)
    assert not reset_by(ATTACKER) and addresses_of(member) == {(member.email, True), (ATTACKER, False)}


def test_a_further_address_is_confirmed_without_losing_others(member: User, member_client: Client) -> None:
    proven(member_client).post("/accounts/email/", {"email": "second@example.org", "action_add": ""})
    confirm("second@example.org")
    assert addresses_of(member) == {(member.email, True), ("second@example.org", True)}


def test_the_link_to_confirm_is_sent_again_from_the_page_of_tokens() -> None:
    _, client = squatted()
    mail.outbox.clear()
    cache.clear()  # a mail a minute
    client.post("/accounts/email/", {"email": VICTIM, "action_send": ""})
    confirm(VICTIM)
    assert "Create token" in client.get("/me/tokens/").content.decode()


# --- no role for who may be anybody


def test_an_unconfirmed_account_gets_no_role_from_pages_or_the_admin_site(admin: User, admin_client: Client) -> None:
    user, _ = squatted()
    for role in ("curator", "admin"):
        page = admin_client.post(f"/lab/people/{user.pk}/role", {"role": role}, follow=True).content.decode()
        assert "is not confirmed" in page
        form = {"email": VICTIM, "display_name": "V", "is_active": "on", "role": role}
        answer = admin_client.post(f"/admin/accounts/user/{user.pk}/change/", form)
        assert answer.status_code == 200 and "is not confirmed" in answer.content.decode()
    assert User.objects.get(pk=user.pk).group_names == {"member"}


def test_an_invitation_takes_an_unconfirmed_account_from_whoever_has_it(admin: User) -> None:
    user, attacker = squatted(**{ATTACKER: True})
    ApiToken.objects.create(user=user, name="made before")
    mail.outbox.clear()
    invited = people.invite(VICTIM, "curator", "Vic", by=admin, site="http://testserver")
    assert invited.pk == user.pk and people.state_of(invited) == "invited"
    assert attacker.get("/me/data/").status_code == 302 and not ApiToken.objects.exists()
    assert [message.to for message in mail.outbox] == [[VICTIM]]
    assert addresses_of(user) == {(VICTIM, False)}
    attacker.post("/accounts/login/", {"login": VICTIM, "password": PASSWORD})
    assert attacker.get("/lab/").status_code == 302
    assert reset_by(VICTIM) and not reset_by(ATTACKER)
    stored = User.objects.get(pk=user.pk)
    assert stored.group_names == {"curator"} and stored.display_name == "Vic" and addresses_of(user) == {(VICTIM, True)}


def test_accounts_that_an_operator_makes_are_confirmed(admin_client: Client) -> None:
    form = {"email": "x@example.org", "display_name": "X", "password1": PASSWORD, "password2": PASSWORD}
    admin_client.post("/admin/accounts/user/add/", {**form, "role": "curator"})
    root = User.objects.create_superuser("root@example.org", PASSWORD, display_name="Root")
    for user in (User.objects.get(email="x@example.org"), root):
        assert addresses_of(user) == {(user.email, True)}
        services.create_token(user, "notebook")


def test_the_admin_site_gives_no_address_twice(admin_client: Client, member: User, other_member: User) -> None:
    EmailAddress.objects.create(user=member, email="second@example.org", verified=True)
    form = {"email": "second@example.org", "display_name": "O", "is_active": "on", "role": "member"}
    answer = admin_client.post(f"/admin/accounts/user/{other_member.pk}/change/", form)
    assert answer.status_code == 200 and "belongs to another account" in answer.content.decode()
