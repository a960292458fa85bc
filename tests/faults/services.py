"""Services that are restarted, away or silent for a while."""

import time

from django.db import connection

from retrieval.registry.services.indexes import submit_index
from tests.faults.stack import AWAY, PATIENCE, Stack
from tests.jobs.live import wait_until

EPOCHS = 15
RESTART_SECONDS = 3


def database_restarted(stack: Stack) -> None:
    """What PostgreSQL says to everybody when it ends, and then nobody listens for a moment."""
    _with_all_processes(stack)
    run = stack.train(EPOCHS)
    stack.database.away()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    time.sleep(RESTART_SECONDS)
    stack.database.back()
    job = stack.wait_for(run.job)
    stack.saw(f"the training ended at attempt {job.attempt}")


def database_away(stack: Stack) -> None:
    """A training goes on without the database; people are told when to come again."""
    _with_all_processes(stack)
    run = stack.train(EPOCHS)
    with stack.away(stack.database):
        wait_until(lambda: stack.people.statuses["503"] >= 2, PATIENCE, stack.people.said)
        ready = stack.ready()
        assert ready.status_code == 503 and ready.json()["checks"]["database"] == "failed"
    job = stack.wait_for(run.job)
    run.refresh_from_db()
    assert len(run.history) == EPOCHS
    stack.saw(f"`/readyz` 503; the training ended at attempt {job.attempt}")


def broker_restarted(stack: Stack) -> None:
    """Workers connect again; nothing is done twice."""
    _with_all_processes(stack)
    run = stack.train(EPOCHS)
    stack.broker.cut()
    job = submit_index(stack.world.models[0], by=None)
    stack.wait_for(job)
    assert (job.attempt, stack.wait_for(run.job).attempt) == (1, 1)
    stack.saw("the training went on, and the next job began; each took one attempt")


def broker_away(stack: Stack) -> None:
    """An index that is ordered meanwhile waits in the database."""
    _with_all_processes(stack)
    run = stack.train(EPOCHS)
    with stack.away(stack.broker), stack.api(stack.curator) as api:
        answer = api.post("indexes/", json={"model": stack.world.models[0].pk})
        assert answer.status_code == 202, answer.text
        wait_until(lambda: stack.ready().json()["checks"]["broker"] == "failed", 30, lambda: stack.ready().text)
        assert stack.ready().status_code == 200
    wait_until(lambda: stack.world.models[0].indexes.count() == 2, PATIENCE, stack.logs)
    assert stack.wait_for(run.job).attempt == 1
    stack.saw("the index that was ordered meanwhile waited and was built; the training took one attempt")


def cache_away(stack: Stack) -> None:
    """The cache counts requests and keeps what can be made again."""
    with stack.away(stack.cache):
        before = sum(stack.people.statuses.values())
        wait_until(lambda: sum(stack.people.statuses.values()) >= before + 4, PATIENCE, stack.people.said)


def storage_stopped(stack: Stack) -> None:
    """Its objects are in its memory, so it is stopped and not killed."""
    _with_all_processes(stack)
    run = stack.train(EPOCHS)
    assert stack.server is not None
    stack.server.pause()
    try:
        time.sleep(AWAY)
    finally:
        stack.server.resume()
    job = stack.wait_for(run.job)
    stack.saw(f"the training ended at attempt {job.attempt}")


def storage_away(stack: Stack) -> None:
    """A job that needs files is put off, and done once they are there."""
    assert stack.storage is not None
    _with_all_processes(stack)
    with stack.away(stack.storage):
        job = submit_index(stack.world.models[0], by=None)
        wait_until(lambda: stack.ready().status_code == 503, 60, lambda: stack.ready().text)
    stack.wait_for(job)
    stack.saw(f"`/readyz` 503; the job succeeded at attempt {job.attempt}")


def milvus_restarted(stack: Stack) -> None:
    """The model whose index is in a file goes on, and the other one once Milvus has loaded its collections."""
    assert stack.milvus_server is not None and stack.milvus is not None
    stack.milvus_server.kill()
    _answered_by_one(stack)
    stack.milvus_server.start()
    _answered_by_both(stack)
    stack.saw("searches were answered by the model whose index is a file, then by both again")


def milvus_away(stack: Stack) -> None:
    """The model whose index is in a file goes on."""
    assert stack.milvus is not None
    with stack.away(stack.milvus):
        _answered_by_one(stack)
    _answered_by_both(stack)
    stack.saw("searches were answered by the model whose index is a file, then by both again")


def _answered_by_one(stack: Stack) -> None:
    _answered_by(stack, {stack.world.models[1].pk})
    assert stack.ready().status_code == 200


def _answered_by_both(stack: Stack) -> None:
    _answered_by(stack, {model.pk for model in stack.world.models})


def _answered_by(stack: Stack, models: set[int]) -> None:
    """Wait until these models alone have answered two searches that begin from now on."""
    known = set(stack.people.searches)

    def answered() -> bool:
        later = [found for key, found in list(stack.people.searches.items()) if key not in known]
        return sum(set(found) == models for found in later) >= 2

    wait_until(answered, PATIENCE, stack.people.said)


def _with_all_processes(stack: Stack) -> None:
    stack.start_worker("work,index")
    stack.start_worker("train")
    stack.start_beat()
