"""The site keeps an admin, whatever admins do at the same moment and by whichever door."""

from collections.abc import Callable, Sequence

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import admins
from accounts import services as accounts
from accounts.errors import AccountError
from accounts.models import User
from accounts.people import services
from accounts.roles import Role
from tests.accounts.security.factors import with_second_factor
from tests.conftest import PASSWORD, person, signed_in
from tests.racing import at_once

pytestmark = pytest.mark.services

Act = Callable[[User, User], object]


def demote(target: User, by: User) -> None:
    services.change_role(target, Role.MEMBER, by=by)


def deactivate(target: User, by: User) -> None:
    services.deactivate(target, by=by)


def leave(target: User, by: User) -> None:
    accounts.delete_account(target)


EACH_OTHER = [(demote, demote), (deactivate, deactivate), (demote, deactivate)]
ONESELF = [(demote, demote), (deactivate, deactivate), (leave, leave), (demote, leave)]
MIXES = [(acts, False) for acts in EACH_OTHER] + [(acts, True) for acts in ONESELF]


def active_admins() -> int:
    return User.objects.filter(groups__name=Role.ADMIN, is_active=True).count()


def race(acts: Sequence[Act], oneself: bool) -> list[object]:
    """Let two admins act at once, each on the other or on itself; each has its own rows, as two requests have."""
    User.objects.all().delete()
    keys = [person(name, "admin").pk for name in ("ada", "bert")]
    pairs = [(keys[at] if oneself else keys[1 - at], keys[at]) for at in (0, 1)]
    calls = [
        lambda act=act, pair=pair: act(*(User.objects.get(pk=key) for key in pair))
        for act, pair in zip(acts, pairs, strict=True)
    ]
    return at_once(calls)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("tries", [14, pytest.param(100, marks=pytest.mark.full)])
def test_two_admins_at_once_leave_one(tries: int) -> None:
    for number in range(tries):
        ends = race(*MIXES[number % len(MIXES)])
        refused = [end for end in ends if isinstance(end, AccountError | PermissionDenied)]
        assert active_admins() == 1 and len(refused) == 1, (MIXES[number % len(MIXES)], ends)


@pytest.mark.django_db
def test_who_was_demoted_meanwhile_does_nothing_more(admin: User) -> None:
    other = person("bert", "admin")
    stale = User.objects.get(pk=other.pk)
    assert stale.group_names == {"admin"}  # read before the demotion, as a request does
    demote(other, admin)
    for act in (demote, deactivate):
        with pytest.raises(PermissionDenied):
            act(admin, stale)
    assert active_admins() == 1


def invite(target: User, by: User) -> None:
    services.invite("nora@example.org", "member", by=by, site="https://kindred.example")


def reactivate(target: User, by: User) -> None:
    services.reactivate(target, by=by)


def remove_second_factor(target: User, by: User) -> None:
    services.remove_second_factor(target, by=by)


@pytest.mark.django_db
@pytest.mark.parametrize("act", [invite, demote, deactivate, reactivate, remove_second_factor])
def test_the_admins_are_held_before_any_account(admin: User, member: User, act: Act) -> None:
    with_second_factor(member)
    with CaptureQueriesContext(connection) as asked:
        act(member, admin)
    first = next(query["sql"] for query in asked.captured_queries if query["sql"].startswith("SELECT"))
    assert 'FROM "auth_group"' in first


@pytest.mark.django_db
def test_the_admin_site_holds_the_admins_before_it_adds_an_account(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[bool] = []
    keep = admins.held

    def held(user: User) -> User:
        there.append(User.objects.filter(email="nora@example.org").exists())
        return keep(user)

    monkeypatch.setattr("accounts.admin.held", held)
    form = {"email": "nora@example.org", "display_name": "Nora", "role": "member"}
    form |= {"password1": PASSWORD, "password2": PASSWORD}
    assert signed_in(admin).post("/admin/accounts/user/add/", form).status_code == 302
    assert there == [False] and User.objects.filter(email="nora@example.org").exists()


@pytest.mark.django_db
def test_an_account_that_is_gone_is_told(admin: User) -> None:
    gone = person("mia", "member")
    stale = User.objects.get(pk=gone.pk)
    accounts.delete_account(gone)
    for act in (demote, deactivate):
        with pytest.raises(AccountError, match="gone"):
            act(stale, admin)


def change_form(target: User, **change: object) -> dict[str, object]:
    values = {"email": target.email, "display_name": target.display_name, "role": "admin", "is_active": "on"}
    return {key: value for key, value in (values | change).items() if value is not None}


@pytest.mark.django_db
def test_the_admin_site_has_no_other_door(admin: User) -> None:
    client: Client = signed_in(admin)
    page = f"/admin/accounts/user/{admin.pk}/change/"
    for change in ({"role": "member"}, {"is_active": None}, {"role": "curator", "is_active": None}):
        assert client.post(page, change_form(admin, **change)).status_code == 200  # the form again, with why not
        assert active_admins() == 1
    assert client.post(f"/admin/accounts/user/{admin.pk}/delete/", {"post": "yes"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [admin.pk], "post": "yes"}
    client.post("/admin/accounts/user/", bulk)
    assert client.get("/admin/auth/group/").status_code == 404
    assert active_admins() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"role": "member"}, {"is_active": None}, {"role": "member", "is_active": None}])
def test_an_admin_steps_down_on_the_admin_site_while_there_is_another(admin: User, change: dict[str, object]) -> None:
    person("bert", "admin")
    page = f"/admin/accounts/user/{admin.pk}/change/"
    assert signed_in(admin).post(page, change_form(admin, **change)).status_code == 302
    assert active_admins() == 1


@pytest.mark.django_db(transaction=True)
def test_two_admins_on_the_admin_site_leave_one() -> None:
    for _ in range(3):
        User.objects.all().delete()
        admins = [person(name, "admin") for name in ("ada", "bert")]
        clients = [signed_in(who) for who in admins]
        pages = [f"/admin/accounts/user/{other.pk}/change/" for other in reversed(admins)]
        forms = [change_form(other, role="member") for other in reversed(admins)]
        calls = [
            lambda client=client, page=page, form=form: client.post(page, form).status_code
            for client, page, form in zip(clients, pages, forms, strict=True)
        ]
        codes = at_once(calls)
        assert active_admins() == 1 and set(codes) <= {200, 302, 403}, codes
