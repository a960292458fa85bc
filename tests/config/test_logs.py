"""Log records: what they know of requests and people, how they look, and what is never in them."""

import json
import logging
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils.functional import SimpleLazyObject
from rest_framework.test import APIClient

from accounts.models import User
from config import urls
from config.api.request_ids import identify_requests
from config.log_context import during_job, during_request, user_id_of
from tests.config.records import Records
from tests.conftest import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
logger = logging.getLogger("kindred.test")

AT_THE_MARGIN = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z]+ \[[^\]]+\] [\w.]+: ")


def told(request: HttpRequest, **_: str) -> HttpResponse:
    logger.info("before")
    logger.info("after, for %s", request.user.is_authenticated)
    return HttpResponse("ok")


def failing(request: HttpRequest, **_: str) -> NoReturn:
    raise RuntimeError("a bug\n2026-01-01 00:00:00.000 INFO [-] forged: line")


urlpatterns = [path("told/", told), path("failing/", failing), path("shared-thing/<slug:token>/", failing)]
urlpatterns += urls.urlpatterns  # type: ignore[arg-type]
handler500 = urls.handler500


@pytest.fixture
def quiet_client() -> Client:
    """A client that gets the page of an error, as a browser does."""
    return Client(raise_request_exception=False)


# --- requests and people


@pytest.mark.urls(__name__)
def test_records_of_a_request_have_its_id(client: Client, records: Records) -> None:
    client.get("/told/", headers={"x-request-id": "import-7"})
    logger.info("outside")
    record = records.one("before")
    assert record.pop("timestamp").endswith("Z")
    assert record == {"level": "info", "logger": "kindred.test", "event": "before", "request_id": "import-7"}
    assert "request_id" not in records.one("outside")
    assert [line.partition(" INFO ")[2] for line in records.lines()] == [
        "[import-7] kindred.test: before",
        "[import-7] kindred.test: after, for False",
        "[-] kindred.test: outside",
    ]


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_records_know_who_is_signed_in(member_client: Client, member: User, records: Records) -> None:
    member_client.get("/told/", headers={"x-request-id": "r"})
    assert records.one("after")["user_id"] == member.pk
    assert any(f"INFO [r user={member.pk}] kindred.test: after" in line for line in records.lines())
    assert member.email not in records.text


@pytest.mark.django_db
def test_records_know_whose_token_was_sent(member_api: APIClient, member: User, records: Records) -> None:
    answer = member_api.get("/api/v1/datasets/999999/")
    record = records.one("Not Found: /api/v1/datasets/999999/")
    assert (record["user_id"], record["request_id"]) == (member.pk, answer["X-Request-ID"])


def test_nobody_is_looked_up_for_a_record(member: User) -> None:
    request, looked_up = HttpRequest(), list[str]()
    assert user_id_of(request) is None

    def find() -> User:
        looked_up.append("now")
        return member

    request.user = SimpleLazyObject(find)  # type: ignore[assignment]
    assert user_id_of(request) is None and looked_up == []
    assert request.user.is_authenticated and user_id_of(request) == member.pk
    request.user = AnonymousUser()
    assert user_id_of(request) is None


def test_threads_do_not_mix_their_ids(records: Records) -> None:
    both = threading.Barrier(2)

    def answer(request: HttpRequest) -> HttpResponse:
        for step in range(20):
            both.wait(10)
            logger.info("%s %s", request.request_id, step)  # type: ignore[attr-defined]
        return HttpResponse("ok")

    def ask(name: str) -> None:
        request = HttpRequest()
        request.META["HTTP_X_REQUEST_ID"] = name
        identify_requests(answer)(request)

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(records.all()) == 40
    assert all(record["event"].split()[0] == record["request_id"] for record in records.all())


def test_nothing_is_left_on_a_thread(records: Records) -> None:
    with pytest.raises(ValueError, match="over"), during_request(HttpRequest(), "r"), during_job(7, 2):
        logger.info("inside")
        raise ValueError("over")
    logger.info("outside")
    inside, outside = records.all()
    assert (inside["request_id"], inside["job_id"], inside["attempt"]) == ("r", 7, 2)
    assert outside.keys() == {"timestamp", "level", "logger", "event"}
    assert " [r job=7/2] " in records.lines()[0] and " [-] " in records.lines()[1]


# --- errors


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_an_error_is_one_record_with_its_traceback(quiet_client: Client, records: Records) -> None:
    answer = quiet_client.get("/failing/")
    assert answer.status_code == 500
    record = records.one("Internal Server Error: /failing/")
    assert (record["level"], record["request_id"]) == ("error", answer["X-Request-ID"])
    assert record["exception"].startswith("Traceback") and "RuntimeError: a bug" in record["exception"]


def test_a_refusal_has_no_traceback(records: Records) -> None:
    for status in (403, 500):
        try:
            raise PermissionError("no")
        except PermissionError:
            logger.warning("answer %d", status, exc_info=True, extra={"status_code": status})
    assert "exception" not in records.one("answer 403") and "exception" in records.one("answer 500")


def test_a_traceback_in_a_message_is_taken_apart(records: Records) -> None:
    logger.error("raised\nTraceback (most recent call last):\n  File x\nValueError: 1\n")
    assert records.one("raised")["event"] == "raised"
    assert records.one("raised")["exception"].splitlines()[-1] == "ValueError: 1"


@pytest.mark.parametrize("where", ["main", "thread"])
@pytest.mark.parametrize("log_format", ["json", "line"])
def test_what_nobody_caught_is_one_record(tmp_path: Path, where: str, log_format: str) -> None:
    code = "import django, threading; django.setup()\ndef fail():\n raise RuntimeError('x\\n' + '2026 forged')\n"
    code += "fail()" if where == "main" else "threading.Thread(target=fail).start()"
    env = {"PATH": os.environ["PATH"], "KINDRED_VAR": str(tmp_path), "LOG_FORMAT": log_format}
    env["DJANGO_SETTINGS_MODULE"] = "config.settings"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    first, *others = done.stderr.splitlines()
    if log_format == "json":
        assert not others and json.loads(first)["exception"].endswith("RuntimeError: x\n2026 forged")
    else:
        assert AT_THE_MARGIN.match(first) and others and all(line.startswith("    ") for line in others)
    assert (done.returncode == 0) == (where == "thread")


# --- forged lines


@pytest.mark.parametrize(
    "text",
    [
        "a\n2026-01-01 00:00:00.000 INFO [-] x: forged",
        "a\r\nb",
        "a\x1b[2Kb",
        "a\x00b",
        "a\x85b",
        "a\u2028b",
        "a\u202eb",
    ],
)
def test_a_message_cannot_forge_a_line(text: str, records: Records) -> None:
    logger.info("got %s", text)
    (line,) = records.lines()
    assert AT_THE_MARGIN.match(line) and line.isprintable()
    assert records.one("got")["event"] == f"got {text}"


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_neither_a_url_nor_an_error_can(quiet_client: Client, records: Records) -> None:
    quiet_client.get("/a%0A2026-01-01 00:00:00.000 INFO [-] x: forged")
    quiet_client.get("/failing/")
    at_the_margin = [line for line in records.lines() if not line.startswith("    ")]
    assert len(at_the_margin) == len(records.all()) == 2
    assert all(AT_THE_MARGIN.match(line) and "forged: line" not in line for line in at_the_margin)


# --- secrets


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("token kin_0123abc expired", "token kin_*** expired"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("no postgres://site:s3cret@db:5432/site", "no postgres://site:***@db:5432/site"),
        ("no redis://:s3cret@cache/0", "no redis://:***@cache/0"),
        ('"GET /try/?q=s3cret HTTP/1.1" 200', '"GET /try/?*** HTTP/1.1" 200'),
        ("https://pictures.example/a.jpg?sig=1&x=2, gone", "https://pictures.example/a.jpg?*** gone"),
        ("refused mia.m+x@mail.example.org", "refused ***@mail.example.org"),
        ("is it up? yes; work@vm ready", "is it up? yes; work@vm ready"),
    ],
)
def test_secrets_are_not_written(text: str, written: str, records: Records) -> None:
    logger.warning("%s", text)
    assert records.all()[0]["event"] == written
    try:
        raise ValueError(text)
    except ValueError:
        logger.exception("failed")
    assert records.one("failed")["exception"].splitlines()[-1] == f"ValueError: {written}"


@pytest.mark.django_db
@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    "url",
    [
        "/shared/SECRETshareTOKEN123/",
        "/shared-thing/SECRETshareTOKEN123/",
        "/shared/SECRETshareTOKEN123/no-such-thing",
        "/accounts/confirm-email/SECRETshareTOKEN123456/.",
        "/nowhere/?token=SECRETshareTOKEN123",
        "/failing/?token=SECRETshareTOKEN123",
    ],
)
def test_links_that_open_something_are_not_written(url: str, quiet_client: Client, records: Records) -> None:
    assert quiet_client.get(url).status_code in (404, 500)
    assert len(records.all()) == 1 and "SECRET" not in records.text


@pytest.mark.django_db
def test_signing_in_writes_no_password(client: Client, member: User, records: Records) -> None:
    for password in ("a-WRONG-passphrase", PASSWORD):
        client.post("/accounts/login/", {"login": member.email, "password": password})
    client.post("/accounts/password/reset/", {"email": member.email})
    logger.info("done")
    assert records.saying("done")
    assert not [word for word in ("WRONG", PASSWORD, member.email) if word in records.text]


def test_urls_that_the_site_fetches_are_not_logged() -> None:
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    assert not logging.getLogger("httpcore.http11").isEnabledFor(logging.DEBUG)


# --- the server


def test_the_server_writes_as_the_site_does() -> None:
    config = json.loads((ROOT / "config" / "granian_logs.json").read_text())
    assert config["formatters"]["site"] == {"()": "config.logs.formatter"}
    assert {name for logger in config["loggers"].values() for name in logger["handlers"]} == {"console"}
    assert "--log-config config/granian_logs.json" in (ROOT / "Procfile").read_text()
