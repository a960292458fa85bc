"""Answers where no view could give one."""

import sqlite3

import psycopg2
import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from config.overload import is_busy

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"
LOCKED = OperationalError("database is locked")


@pytest.fixture
def quiet(client: Client) -> Client:
    client.raise_request_exception = False
    return client


def test_a_foreign_host_is_told_what_to_set(quiet: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["kindred.example"]
    page = quiet.get("/leaderboard/", headers={"host": "192.168.1.20"})
    assert page.status_code == 400 and "ALLOWED_HOSTS" in page.content.decode()
    answer = quiet.get("/api/v1/losses/", headers={"host": "192.168.1.20"})
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert answer.json()["type"] == "/api/problems/unknown-host"


def break_with(error: Exception, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    def broken(*args: object) -> None:
        raise error

    for name in names:
        monkeypatch.setattr(name, broken)


def test_a_busy_database_asks_to_come_again(
    quiet: Client, member_api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_with(LOCKED, monkeypatch, "ratings.views.leaderboard.measured_rows", "jobs.services.visible_jobs")
    quiet.cookies, member_api.raise_request_exception = {}, False
    page, answer = quiet.get("/leaderboard/"), member_api.get("/api/v1/jobs/")
    assert (page.status_code, answer.status_code) == (503, 503)
    assert int(page["Retry-After"]) > 0 and int(answer["Retry-After"]) > 0
    assert answer.json()["type"] == "/api/problems/busy"


def test_a_database_that_is_busy_before_a_view_is_reached(
    member_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_with(LOCKED, monkeypatch, "django.contrib.sessions.backends.db.SessionStore.load")
    member_client.raise_request_exception = False
    answers = [member_client.get(path) for path in ("/me/tokens/", "/api/v1/jobs/")]
    assert [(answer.status_code, answer["Retry-After"]) for answer in answers] == [(503, "5")] * 2
    assert answers[1]["Content-Type"] == PROBLEM


def test_a_fault_is_500(member_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    break_with(RuntimeError("password=hunter2"), monkeypatch, "django.contrib.sessions.backends.db.SessionStore.load")
    member_client.raise_request_exception = False
    page, answer = member_client.get("/me/tokens/"), member_client.get("/api/v1/jobs/")
    assert (page.status_code, answer.status_code, answer["Content-Type"]) == (500, 500, PROBLEM)
    assert b"hunter2" not in page.content + answer.content and not page.has_header("Retry-After")


def caused_by(cause: Exception) -> OperationalError:
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


def test_busy_is_told_from_broken() -> None:
    assert is_busy(caused_by(sqlite3.OperationalError("database is locked")))
    assert is_busy(caused_by(psycopg2.OperationalError("FATAL:  sorry, too many clients already")))
    assert not is_busy(caused_by(sqlite3.OperationalError("no such table: jobs_job")))
    assert not is_busy(caused_by(psycopg2.OperationalError('FATAL: database "kindred" does not exist')))
