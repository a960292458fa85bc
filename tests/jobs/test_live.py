"""The whole way: real workers, a real broker, a real database, and the things that go wrong."""

import socket
from pathlib import Path

import pytest

from config.release import VERSION
from jobs import services
from jobs.models import Job
from operations.models import Process
from tests.jobs.handlers import register_all
from tests.jobs.live import START_SECONDS, Live, process_is_alive, wait_until

pytestmark = pytest.mark.queue


@pytest.fixture(autouse=True)
def kinds() -> None:
    register_all()


def pids(folder: Path) -> list[int]:
    file = folder / "pids"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def ends(folder: Path) -> list[str]:
    return (folder / "ends").read_text().split()


def wait_for_child(folder: Path, count: int = 1) -> int:
    wait_until(lambda: len(pids(folder)) == count, 15, lambda: f"child {count}")
    return pids(folder)[-1]


def test_a_worker_does_what_was_submitted(live: Live) -> None:
    live.start_worker("work")
    job = services.submit("test.echo", {"word": "kin"})
    live.wait_for(job, "succeeded")
    assert job.result == {"word": "kin"} and job.attempt == 1


def test_a_killed_worker_loses_no_job_and_leaves_no_child(live: Live, tmp_path: Path) -> None:
    worker = live.start_worker("work")
    job = services.submit("test.walk_in_child", {"folder": str(tmp_path), "steps": 20})
    orphan = wait_for_child(tmp_path)
    live.wait_for(job, "running")
    live.kill9(worker)
    wait_until(lambda: not process_is_alive(orphan), 5, lambda: "the end of the child")
    live.start_worker("work")
    live.start_beat()
    live.wait_for(job, "succeeded")
    assert job.attempt == 2 and job.tries == 2
    assert ends(tmp_path) == ["2"]
    assert not any(process_is_alive(pid) for pid in pids(tmp_path))


@pytest.mark.parametrize("pool", ["threads", pytest.param("solo", marks=pytest.mark.full)])  # threads, unless told
def test_a_stopped_worker_gives_its_job_back(live: Live, tmp_path: Path, pool: str) -> None:
    worker = live.start_worker("work", pool=pool)
    job = services.submit("test.walk_in_child", {"folder": str(tmp_path), "steps": 30})
    child = wait_for_child(tmp_path)
    live.terminate(worker)
    assert not process_is_alive(child)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.tries) == ("queued", 1, 0)
    live.start_worker("work", pool=pool)
    live.start_beat()
    live.wait_for(job, "succeeded")
    assert ends(tmp_path) == ["2"] and job.tries == 1


def test_cancelling_a_running_job_ends_its_child(live: Live, tmp_path: Path) -> None:
    live.start_worker("work")
    job = services.submit("test.walk_in_child", {"folder": str(tmp_path), "steps": 600})
    child = wait_for_child(tmp_path)
    services.request_cancel(job)
    live.wait_for(job, "cancelled")
    assert not process_is_alive(child)
    assert not (tmp_path / "ends").exists()


def test_a_job_whose_message_was_never_sent_is_done_all_the_same(live: Live) -> None:
    job = Job.objects.create(kind="test.echo", payload={"word": "lost"})
    live.start_worker("work")
    live.start_beat()
    live.wait_for(job, "succeeded")
    assert job.result == {"word": "lost"}


def test_two_workers_and_two_messages_do_a_job_once(live: Live, tmp_path: Path) -> None:
    job = services.submit("test.walk", {"folder": str(tmp_path), "steps": 10})
    services.send(job)
    live.start_worker("work")
    live.start_worker("work")
    live.wait_for(job, "succeeded")
    follower = services.submit("test.echo", {})
    live.wait_for(follower, "succeeded")  # so both messages have been read
    assert ends(tmp_path) == ["1"]


def test_a_worker_of_some_queues_does_their_jobs_alone(live: Live) -> None:
    worker = live.start_command("--queues", "index,train")
    wait_until(lambda: "ready." in live.log_of(worker), START_SECONDS, live.logs)
    others = services.submit("test.echo", {})
    for queue in ("index", "train"):
        job = Job.objects.create(kind="test.echo", queue=queue)
        services.send(job)
        live.wait_for(job, "succeeded")
        assert job.ran_on["host"] == socket.gethostname() and job.ran_on["versions"]["kindred"] == VERSION
    others.refresh_from_db()
    assert others.state == "queued"
    row = Process.objects.get()
    assert (row.role, row.queues, row.pid) == ("worker", ["index", "train"], worker.pid)
    live.terminate(worker)
    assert worker.returncode == 0 and not Process.objects.exists()


def test_a_worker_of_one_job_does_it_without_a_broker_and_ends(live: Live) -> None:
    live.env["CELERY_BROKER_URL"] = "amqp://nobody@127.0.0.1:1//"
    first, second = (Job.objects.create(kind="test.echo", payload={"word": word}) for word in ("one", "two"))
    Job.objects.create(kind="test.echo", queue="train")
    once = live.start_command("--queues", "work", "--once")
    assert once.wait(START_SECONDS) == 0, live.logs()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("succeeded", "queued")
    assert f"job {first.pk} (test.echo): succeeded" in live.log_of(once)


def test_a_worker_of_one_job_gives_it_back_when_it_is_stopped(live: Live, tmp_path: Path) -> None:
    job = Job.objects.create(kind="test.walk_in_child", payload={"folder": str(tmp_path), "steps": 300})
    once = live.start_command("--once", "--wait", "60")
    child = wait_for_child(tmp_path)
    live.terminate(once)
    assert once.returncode == 0 and not process_is_alive(child)
    job.refresh_from_db()
    assert (job.state, job.tries) == ("queued", 0)


def test_the_train_queue_has_a_worker_of_its_own(live: Live, tmp_path: Path) -> None:
    live.start_worker("train")
    job = Job.objects.create(kind="test.echo", queue="train")
    services.send(job)
    live.wait_for(job, "succeeded")
