from importlib import import_module

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps

from accounts.models import User
from accounts.security.services import is_confirmed
from tests.conftest import person

pytestmark = pytest.mark.django_db
migration = import_module("accounts.migrations.0004_confirm_accounts_of_operators")


def test_accounts_of_operators_are_confirmed_and_those_of_sign_ups_are_not() -> None:
    made, signed_up, admin, invited = (person(name, "member") for name in ("a", "b", "c", "d"))
    EmailAddress.objects.exclude(user__in=(signed_up, admin)).delete()
    EmailAddress.objects.update(verified=False)
    User.objects.filter(pk=admin.pk).update(is_superuser=True)
    invited.set_unusable_password()
    invited.save()
    for _ in range(2):
        migration.confirm(apps, None)
    assert [is_confirmed(user) for user in (made, signed_up, admin, invited)] == [True, False, True, False]


def test_an_address_that_another_account_has_confirmed_stays_its_own() -> None:
    user, other = person("a", "member"), person("b", "member")
    EmailAddress.objects.filter(user=user).update(user=other, primary=False)
    migration.confirm(apps, None)
    assert not is_confirmed(user) and EmailAddress.objects.get(email=user.email).user == other
