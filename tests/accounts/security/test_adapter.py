import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from pytest_django import Settings

from accounts.models import User
from accounts.security.adapter import SecondFactorAdapter
from tests.accounts.security.factors import code_of, with_second_factor

pytestmark = pytest.mark.django_db


def test_the_database_does_not_hold_the_secret(member: User) -> None:
    secret = with_second_factor(member)
    rows = str(list(Authenticator.objects.values()))
    assert secret not in rows and "seed" in rows
    assert Authenticator.objects.get(type="totp").wrap().validate_code(code_of(secret))


def test_equal_secrets_lie_there_differently() -> None:
    adapter = SecondFactorAdapter()
    one, two = adapter.encrypt("secret"), adapter.encrypt("secret")
    assert one != two and adapter.decrypt(one) == adapter.decrypt(two) == "secret"


def test_a_new_secret_key_reads_what_its_fallback_wrote(settings: Settings) -> None:
    written = SecondFactorAdapter().encrypt("secret")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert SecondFactorAdapter().decrypt(written) == "secret"


@pytest.mark.parametrize("broken", ["", "not encrypted at all", "gAAAAABo"])
def test_what_cannot_be_read_is_said_and_not_guessed(broken: str) -> None:
    with pytest.raises(ValidationError, match="ask an admin|Ask an admin"):
        SecondFactorAdapter().decrypt(broken)
