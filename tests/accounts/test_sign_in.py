"""Guessing is slow, and keeps nobody out who knows the password."""

import io
import logging
import time
from collections.abc import Iterator

import pytest
from django.test import Client
from structlog.stdlib import ProcessorFormatter

from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
HOME, ELSEWHERE = "198.51.100.1", "203.0.113.{}"
LOCKED = "Too many failed login attempts"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Let the test say by how many seconds the time is moved."""
    moved, now = [0.0], time.time
    monkeypatch.setattr("allauth.core.internal.ratelimit.time.time", lambda: now() + moved[0])
    yield moved


def sign_in(user: User, password: str, address: str) -> Client:
    client = Client(REMOTE_ADDR=address)
    client.answer = client.post("/accounts/login/", {"login": user.email, "password": password})  # type: ignore[attr-defined]
    return client


def is_in(client: Client) -> bool:
    return client.get("/me/data/").status_code == 200


def test_wrong_guesses_from_elsewhere_keep_nobody_out(member: User) -> None:
    for number in range(3):
        for _ in range(7):
            guess = sign_in(member, "wrong", ELSEWHERE.format(number))
        assert LOCKED in guess.answer.content.decode()  # type: ignore[attr-defined]
    assert is_in(sign_in(member, PASSWORD, HOME))


def test_wrong_guesses_from_here_keep_one_out_for_a_minute(member: User, clock: list[float]) -> None:
    for _ in range(6):
        sign_in(member, "wrong", HOME)
    assert not is_in(sign_in(member, PASSWORD, HOME))
    clock[0] = 61
    assert is_in(sign_in(member, PASSWORD, HOME))


def test_guesses_from_everywhere_are_bounded_and_over_after_a_minute(member: User, clock: list[float]) -> None:
    for number in range(5):
        for _ in range(5):
            last = sign_in(member, "wrong", ELSEWHERE.format(number))
    assert LOCKED in last.answer.content.decode()  # type: ignore[attr-defined]
    assert not is_in(sign_in(member, PASSWORD, HOME))
    clock[0] = 61
    assert is_in(sign_in(member, PASSWORD, HOME))


def test_the_right_password_is_not_counted(member: User) -> None:
    assert all(is_in(sign_in(member, PASSWORD, HOME)) for _ in range(7))


def test_a_refused_page_writes_one_line_into_the_log(member_client: Client, client: Client, member: User) -> None:
    console = next(
        one
        for one in logging.getLogger().handlers
        if isinstance(one, logging.StreamHandler) and isinstance(one.formatter, ProcessorFormatter)
    )
    written, before = io.StringIO(), console.stream
    console.setStream(written)
    try:
        assert member_client.get("/lab/").status_code == 403
        for _ in range(35):
            last = client.post("/accounts/login/", {"login": member.email, "password": "wrong"})
        assert last.status_code == 429
    finally:
        console.setStream(before)
    lines = written.getvalue().splitlines()
    assert any("/lab/" in line for line in lines) and not [line for line in lines if "Traceback" in line]
    assert all(line[:2] == "20" for line in lines), "each line is an entry of its own"
