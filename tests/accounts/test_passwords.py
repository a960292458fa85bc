import unicodedata

import pytest
from django.contrib.auth import authenticate, hashers
from django.test import Client

from accounts import services
from accounts.errors import AccountError
from accounts.models import User, forms_of, normal_form
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db
WORDS = "Überraschung-kühn-①"
FORMS = ("NFC", "NFD", "NFKC", "NFKD")


def typed(form: str) -> str:
    return unicodedata.normalize(form, WORDS)  # type: ignore[arg-type]


def with_old_hash(user: User, password: str) -> User:
    """Store the hash that earlier versions made: of the password as it was typed."""
    User.objects.filter(pk=user.pk).update(password=hashers.make_password(password))
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("set_as", FORMS)
def test_a_password_is_the_same_in_every_form(set_as: str) -> None:
    services.create_account("n@example.org", typed(set_as), "member", "N")
    for form in FORMS:
        assert authenticate(None, email="n@example.org", password=typed(form)) is not None, form
        answer = Client().post("/accounts/login/", {"login": "n@example.org", "password": typed(form)})
        assert answer.status_code == 302, form


@pytest.mark.parametrize("set_as", ["NFC", "NFD"])
def test_an_old_hash_goes_on_and_is_made_anew_at_sign_in(member: User, set_as: str) -> None:
    for form in ("NFC", "NFD"):
        old = with_old_hash(member, typed(set_as))
        assert old.check_password(typed(form)), form
        stored = User.objects.get(pk=member.pk)
        assert hashers.check_password(normal_form(WORDS), stored.password)


def test_making_a_hash_anew_revokes_nothing(member: User) -> None:
    token, _ = services.create_token(member, "notebook")
    assert with_old_hash(member, typed("NFD")).check_password(typed("NFD"))
    assert list(services.tokens_of(member)) == [token]


def test_another_password_is_wrong_in_every_form(member: User) -> None:
    assert not with_old_hash(member, typed("NFC")).check_password("Überraschung-kuhn-①")
    assert not member.check_password("")


def test_an_unknown_address_takes_as_many_hashes_as_a_known_one(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    hasher = hashers.get_hasher().__class__
    encode = hasher.encode

    def counted(self: object, password: str, *args: object) -> str:
        hashed.append(password)
        return str(encode(self, password, *args))

    monkeypatch.setattr(hasher, "encode", counted)
    counts = set()
    for email in (member.email, "nobody@example.org"):
        hashed.clear()
        assert authenticate(None, email=email, password=WORDS) is None
        counts.add(len(hashed))
    assert counts == {len(forms_of(WORDS))}


def test_a_weak_password_is_weak_in_full_width_letters_too() -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in "password1")
    with pytest.raises(AccountError, match="too common"):
        services.create_account("n@example.org", wide, "member", "N")


def test_who_changes_the_password_may_type_the_old_one_in_another_form(client: Client) -> None:
    user = services.create_account("n@example.org", typed("NFC"), "member", "N")
    form = {"oldpassword": typed("NFD"), "password1": "another-good-one", "password2": "another-good-one"}
    assert signed_in(user).post("/accounts/password/change/", form).status_code == 302
    assert User.objects.get(pk=user.pk).check_password("another-good-one")
