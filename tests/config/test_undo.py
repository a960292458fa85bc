"""The offer to undo the last deletion: on every page, for thirty seconds."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.utils import timezone
from pytest import MonkeyPatch

from config.undo import UNDO_SECONDS, offer_undo, undo, withdraw_undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_with_session() -> HttpRequest:
    request = HttpRequest()
    request.session = SessionStore()
    return request


def test_an_offer_is_shown_with_what_its_form_sends(request_with_session: HttpRequest) -> None:
    offer_undo(request_with_session, "Mark removed.", "/marks/3/", value=2)
    shown = undo(request_with_session)
    assert shown["undo_seconds"] == UNDO_SECONDS
    assert shown["undo_offer"]["text"] == "Mark removed."  # type: ignore[index]
    assert shown["undo_offer"]["fields"] == {"value": "2"}  # type: ignore[index]


def test_an_offer_ends_after_its_time(request_with_session: HttpRequest, monkeypatch: MonkeyPatch) -> None:
    offer_undo(request_with_session, "Mark removed.", "/marks/3/")
    later = timezone.now() + timedelta(seconds=UNDO_SECONDS)
    monkeypatch.setattr("config.undo.timezone.now", lambda: later)
    assert undo(request_with_session) == {}


def test_an_offer_that_was_taken_is_gone(request_with_session: HttpRequest) -> None:
    offer_undo(request_with_session, "Mark removed.", "/marks/3/")
    withdraw_undo(request_with_session)
    assert undo(request_with_session) == {}


def test_nothing_is_offered_without_a_session() -> None:
    assert undo(HttpRequest()) == {}
