"""`/livez` and `/readyz`: what they say, to whom, and how often they look."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings

from config import health, schema
from config.celery import app
from config.serving import warming

OK = {"database": "ok", "broker": "ok", "storage": "ok", "engine": "ok"}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_health", health._Health())
    monkeypatch.setattr(schema, "_is_current", False)


@pytest.fixture
def media(settings: Settings) -> Iterator[Path]:
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True)
    yield folder
    folder.chmod(0o700)


def ready() -> tuple[int, dict[str, Any]]:
    answer = Client().get("/readyz", headers={"host": "10.0.0.7:8000"})  # as a supervisor calls it
    return answer.status_code, answer.json()


def test_a_live_process_says_so_whatever_else_is_wrong(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/livez", headers={"host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
@pytest.mark.services
def test_a_host_that_has_everything_is_ready(media: Path) -> None:
    assert ready() == (200, {"ready": True, "checks": OK})


@pytest.mark.django_db
def test_a_database_that_does_not_answer(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise OSError("postgres://user:secret@db:5432")

    monkeypatch.setattr(connection, "cursor", away)
    status, said = ready()
    assert (status, said) == (503, {"ready": False, "checks": {**OK, "database": "failed"}})


@pytest.mark.django_db
def test_a_host_is_not_ready_before_the_database_is_migrated(
    media: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.0)
    last = max(name for app, name in MigrationRecorder(connection).applied_migrations() if app == "jobs")
    MigrationRecorder(connection).record_unapplied("jobs", last)
    for _ in range(2):
        assert ready() == (503, {"ready": False, "checks": {**OK, "database": "failed"}})
    assert caplog.text.count(f"the database lacks the migrations jobs.{last}; run `{schema.COMMAND}`") == 1
    MigrationRecorder(connection).record_applied("jobs", last)
    assert ready() == (200, {"ready": True, "checks": OK})


@pytest.mark.django_db
def test_an_empty_database_is_not_ready(media: Path, empty_database: None) -> None:
    assert ready() == (503, {"ready": False, "checks": {**OK, "database": "failed"}})


@pytest.mark.django_db
def test_a_host_goes_on_beside_newer_code(media: Path) -> None:
    MigrationRecorder(connection).record_applied("jobs", "9999_later")
    assert ready() == (200, {"ready": True, "checks": OK})


@pytest.mark.django_db
def test_searches_go_on_without_the_broker(media: Path, caplog: pytest.LogCaptureFixture) -> None:
    app.conf.broker_url = "redis://127.0.0.1:1/0"
    assert ready() == (200, {"ready": True, "checks": {**OK, "broker": "failed"}})
    assert "broker is not ready" in caplog.text


@pytest.mark.django_db
def test_a_broker_that_takes_connections_and_says_nothing(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "BROKER_OPTIONS", {"socket_connect_timeout": 0.2, "socket_timeout": 0.2})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app.conf.broker_url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        assert ready() == (200, {"ready": True, "checks": {**OK, "broker": "failed"}})


@pytest.mark.django_db
def test_probes_do_not_wait_for_a_check_that_hangs(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs, over = threading.Event(), threading.Event()

    def check() -> None:
        hangs.set()
        assert over.wait(10)

    monkeypatch.setattr(health, "PATIENCE", 0.01)
    monkeypatch.setitem(health.CHECKS, "storage", check)
    monkeypatch.setitem(health.CHECKS, "database", lambda: None)  # the thread below has no connection to close
    first = threading.Thread(target=ready, daemon=True)
    first.start()
    assert hangs.wait(10)
    try:
        assert ready() == (503, {"ready": False, "checks": dict.fromkeys(OK, "failed") | {"database": "ok"}})
    finally:
        over.set()
        first.join(10)
    assert ready() == (200, {"ready": True, "checks": OK})


@pytest.mark.django_db
def test_the_log_says_once_what_is_wrong(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.0)
    assert [ready()[0] for _ in range(3)] == [503] * 3
    assert caplog.text.count("storage is not ready") == 1


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/livez", "/readyz"])
def test_no_cache_keeps_an_answer(media: Path, url: str) -> None:
    assert Client().get(url).headers["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_a_folder_that_is_gone() -> None:
    assert ready() == (503, {"ready": False, "checks": {**OK, "storage": "failed"}})


@pytest.mark.django_db
def test_models_that_are_still_loaded(media: Path) -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name=warming.NAME)
    thread.start()
    try:
        assert ready() == (503, {"ready": False, "checks": {**OK, "engine": "failed"}})
    finally:
        over.set()
        thread.join()


@pytest.mark.django_db
def test_many_probes_are_answered_from_one_look(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    monkeypatch.setitem(health.CHECKS, "storage", lambda: looks.append("storage"))
    assert [ready()[0] for _ in range(5)] == [200] * 5 and looks == ["storage"]
    monkeypatch.setattr(health, "SECONDS", 0.0)
    assert ready()[0] == 200 and len(looks) == 2
