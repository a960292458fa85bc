"""`/metrics`: who may read it, and what it says of a running site."""

import threading
from datetime import timedelta

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from config import health
from config.metrics import METRICS
from jobs.models import Job
from operations.services import bounded, readings
from operations.services.bounded import Bounded
from tests.operations.scrapes import TOKEN, Samples, scrape, scraped, value

pytestmark = pytest.mark.django_db(transaction=True)  # the figures are read by a thread of their own

DURATION = "kindred_http_request_duration_seconds_count"


def names(samples: Samples) -> set[str]:
    return {name for name, _ in samples}


# --- access


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Token {TOKEN}",
        f"Basic {TOKEN}",
        "Bearer ä",
    ],
)
def test_whoever_has_not_the_token_learns_nothing(scraping: None, authorization: str) -> None:
    answer = scrape(authorization)
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert b"kindred_" not in answer.content


def test_there_is_no_such_page_without_a_token_in_the_settings(settings: Settings) -> None:
    assert settings.METRICS_TOKEN == ""
    for authorization in ("", "Bearer ", "Bearer"):
        answer = Client().get("/metrics", headers={"authorization": authorization})
        assert answer.status_code == 404 and b"kindred_" not in answer.content


def test_an_admin_needs_the_token_too(scraping: None, admin_client: Client) -> None:
    assert admin_client.get("/metrics").status_code == 401


def test_a_scraper_only_reads(scraping: None) -> None:
    headers = {"authorization": f"bearer {TOKEN}"}
    assert Client().post("/metrics", headers=headers).status_code == 405
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"


def test_plain_http_is_not_redirected(scraping: None, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert scrape().status_code == 200


# --- what it says


def test_every_sample_is_of_a_metric_of_the_table(scraping: None, client: Client) -> None:
    client.get("/leaderboard/")
    known = {f"{name}{end}" for name in METRICS for end in ("", "_bucket", "_count", "_sum")}
    assert {name for name in names(scraped()) if not name.startswith("process_")} <= known


def test_requests_are_counted_by_route_method_and_status(scraping: None, client: Client) -> None:
    before = scraped()
    client.get("/leaderboard/?secret=1")
    client.post("/leaderboard/")
    client.get("/no/such/page/")
    client.generic("BREW", "/leaderboard/")
    client.get("/livez")
    after = scraped()
    requests = {key: after[key] - before.get(key, 0) for key in after if key[0] == "kindred_http_requests_total"}
    told = {tuple(text for _, text in labels): number for (_, labels), number in requests.items() if number}
    assert told == {
        ("GET", "leaderboard", "2xx"): 1,
        ("POST", "leaderboard", "4xx"): 1,
        ("GET", "none", "4xx"): 1,
        ("other", "leaderboard", "4xx"): 1,
    }
    assert value(after, DURATION, route="leaderboard") - value(before, DURATION, route="leaderboard") == 3


def test_a_question_about_a_body_is_no_request(scraping: None, client: Client) -> None:
    before = scraped()
    client.get("/leaderboard/", **{"kindred.asks": True})  # type: ignore[arg-type]  # of the WSGI environment
    assert value(scraped(), DURATION, route="none") == value(before, DURATION, route="none")


@pytest.mark.services
def test_jobs_are_counted_and_the_oldest_have_an_age(scraping: None) -> None:
    now = timezone.now()
    for minutes, queue, attempt in ((50, "work", 1), (10, "work", 0), (2, "work", 0), (30, "train", 0)):
        job = Job.objects.create(kind="kind", queue=queue, attempt=attempt)
        Job.objects.filter(pk=job.pk).update(created_at=now - timedelta(minutes=minutes))
    for seconds in (7, 90):
        Job.objects.create(
            kind="kind", queue="train", state="running", attempt=1, heartbeat_at=now - timedelta(seconds=seconds)
        )
    Job.objects.create(kind="kind", state="failed", finished_at=now)
    samples = scraped()
    assert value(samples, "kindred_jobs", queue="work", state="queued") == 3
    assert value(samples, "kindred_jobs", queue="train", state="running") == 2
    assert value(samples, "kindred_jobs", queue="work", state="failed") == 1
    assert samples["kindred_jobs", (("queue", "train"), ("state", "succeeded"))] == 0
    queued, beat = "kindred_job_oldest_queued_age_seconds", "kindred_job_oldest_heartbeat_age_seconds"
    assert 600 <= value(samples, queued, queue="work") < 700
    assert 1800 <= value(samples, queued, queue="train") < 1900
    assert 90 <= value(samples, beat, queue="train") < 190
    assert samples[beat, (("queue", "work"),)] == 0


def test_checks_volume_versions_and_the_process(scraping: None) -> None:
    samples = scraped()
    up = {dict(labels)["check"]: number for (name, labels), number in samples.items() if name == "kindred_up"}
    assert up == dict.fromkeys(health.CHECKS, 1)
    assert 0 < value(samples, "kindred_volume_free_bytes") <= value(samples, "kindred_volume_bytes")
    assert [dict(labels).keys() for name, labels in samples if name == "kindred_build_info"] == [
        {"version", "python", "django"}
    ]
    assert value(samples, "process_resident_memory_bytes", process="1") > 2**20


# --- what is away


def test_a_database_that_is_away_leaves_the_rest(scraping: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise OSError("postgres://user:secret@db:5432")

    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", away)
    samples = scraped()
    assert samples["kindred_up", (("check", "database"),)] == 0
    assert samples["kindred_up", (("check", "storage"),)] == 1
    assert "kindred_jobs" not in names(samples) and "kindred_volume_bytes" in names(samples)


def test_a_database_that_hangs_does_not_keep_a_scrape(scraping: None, monkeypatch: pytest.MonkeyPatch) -> None:
    over, readers = threading.Event(), list[str]()

    def hang() -> None:
        readers.append(threading.current_thread().name)
        assert over.wait(30)

    monkeypatch.setattr(bounded, "PATIENCE", 0.05)
    monkeypatch.setitem(health.CHECKS, "database", hang)
    monkeypatch.setattr(readings, "_jobs", Bounded("jobs", hang))
    try:
        for _ in range(3):
            samples = scraped()
            assert samples["kindred_up", (("check", "database"),)] == 0
            assert "kindred_jobs" not in names(samples)
        assert sorted(readers) == ["reading-health", "reading-jobs"]  # one thread each, however often they are wanted
    finally:
        over.set()


def test_many_scrapes_are_answered_from_one_reading(scraping: None, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(readings, "_jobs", Bounded("jobs", lambda: read.append("jobs") or readings.job_figures()))
    for _ in range(3):
        assert "kindred_jobs" in names(scraped())
    assert read == ["jobs"]
    monkeypatch.setattr(bounded, "KEPT_SECONDS", 0.0)
    scrape()
    assert read == ["jobs", "jobs"]
