"""The operations page and its API: what admins see of queues, processes, jobs and searches."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from config.release import VERSION
from jobs.models import Job
from operations.models import Process
from operations.services.overview import overview
from operations.services.processes import Presence
from tests.conftest import api_of, person
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]
PAGE, API = "/lab/operations/", "/api/v1/operations/"


@pytest.fixture
def admin() -> User:
    return person("ada", "admin")


@pytest.fixture
def busy() -> Job:
    """A job that runs, one that waits in a queue without a worker, and a failed one."""
    now = timezone.now()
    for _ in range(2):
        Job.objects.create(kind="train", queue="train")
    Job.objects.create(kind="import", state="failed", finished_at=now, error="no")
    Presence("worker", ["work", "index"]).note()
    return Job.objects.create(
        kind="import", state="running", attempt=1, started_at=now, heartbeat_at=now, ran_on={"host": "gpu-1"}
    )


def test_queues_tell_where_work_waits_without_a_worker(busy: Job) -> None:
    queues = {queue.name: queue for queue in overview().queues}
    assert list(queues) == ["work", "index", "train"]
    train, work = queues["train"], queues["work"]
    assert (train.waiting, train.workers, train.is_stuck) == (2, 0, True) and train.waiting_since is not None
    assert (work.waiting, work.running, work.failed, work.workers, work.is_stuck) == (0, 1, 1, 1, False)


def test_a_silent_process_counts_no_more(busy: Job) -> None:
    Process.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    now = overview()
    assert now.queues[0].workers == 0 and not now.processes and len(now.silent) == 1


def test_the_page_shows_all_of_it_to_admins(busy: Job, admin: User, world: World, member: User, client: Client) -> None:
    world.ask(member)
    client.force_login(admin)
    page = client.get(PAGE).content.decode()
    for said in ("no worker", "gpu-1", f"Release {VERSION}", "work, index", "Slow searches", "hnswlib"):
        assert said in page, said
    assert 'href="/lab/operations/"' in client.get("/lab/").content.decode()


@pytest.mark.usefixtures("busy")
def test_an_upgrade_that_is_under_way_shows(admin: User, client: Client) -> None:
    other = Presence("web")
    other._row.versions = {"kindred": "9.9.9"}
    other.note()
    client.force_login(admin)
    assert f"processes run {VERSION} and 9.9.9" in client.get(PAGE).content.decode()


def test_the_api_gives_the_same(busy: Job, admin: User, world: World, member: User) -> None:
    world.ask(member)
    told = api_of(admin).get(API).json()
    assert [queue["name"] for queue in told["queues"]] == ["work", "index", "train"]
    assert [job["id"] for job in told["running"]] == [busy.pk] and told["running"][0]["ran_on"]["host"] == "gpu-1"
    assert told["slow_searches"][0]["models"] == 2 and told["slow_searches"][0]["took_ms"] > 0
    assert told["processes"][0]["versions"]["kindred"] == told["release"] == VERSION


def test_nobody_else_sees_it(curator_client: Client, client: Client, curator_api: APIClient) -> None:
    assert curator_client.get(PAGE).status_code == 403 and curator_api.get(API).status_code == 403
    assert client.get(PAGE).status_code == 302 and client.get(API).status_code == 401
    assert PAGE not in curator_client.get("/lab/").content.decode()


def test_no_password_of_a_service_is_shown(settings: Settings, admin: User, client: Client) -> None:
    settings.VECTOR_STORE_URL = "milvus://root:quite-secret@10.0.0.9:19530"
    settings.CELERY_BROKER_URL = "amqp://me:quite-secret@10.0.0.9//"
    client.force_login(admin)
    page = client.get(PAGE).content.decode()
    assert "milvus" in page and "amqp" in page and "quite-secret" not in page and "10.0.0.9" not in page
