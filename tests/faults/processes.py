"""Processes that are killed: nothing of them has time to clean up."""

import os
import signal
import time
import uuid

import httpx

from jobs import services as jobs
from retrieval.models import Experiment
from retrieval.registry.services.indexes import submit_index
from tests.faults.stack import PATIENCE, Stack
from tests.jobs.live import process_is_alive, wait_until
from tests.retrieval.world import LOSSES, SMALL

EPOCHS = 15


def kill_web(stack: Stack) -> None:
    """People get no connection; an experiment that is sent again with its key is there once."""
    stack.start_worker("work,index")
    stack.start_worker("train")
    stack.start_beat()
    body = {"name": "Sent twice", "dataset": stack.world.dataset.pk, "preset": "demo", "losses": [LOSSES[0]]}
    body |= {"publish": True, "changes": {**SMALL, "epochs": 1}}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    with stack.api(stack.curator) as api:
        assert api.post("experiments/", json=body, headers=key).status_code == 202
        stack.kill_web()
        time.sleep(2)
        try:
            api.post("experiments/", json=body, headers=key)
        except httpx.ConnectError:
            stack.saw("requests were refused while no server listened")
        stack.start_web()
        assert api.post("experiments/", json=body, headers=key).status_code == 202
    assert Experiment.objects.filter(name="Sent twice").count() == 1
    stack.saw("the experiment that was sent twice with its key is there once")


def kill_work(stack: Stack) -> None:
    """The index before answers until the job, taken back, has built another."""
    model = stack.world.models[0]
    old = stack.world.index_of(model)
    worker = stack.start_worker("work,index")
    stack.start_beat()
    job = submit_index(model, by=None)
    stack.wait_for(job, "running")
    stack.live.kill9(worker)
    assert stack.world.index_of(model) == old
    stack.start_worker("work,index")
    stack.wait_for(job)
    new = stack.world.index_of(model)
    assert new != old and model.indexes.count() == 2
    stack.saw(f"the job succeeded at attempt {job.attempt}; the old index answered until then")


def kill_train(stack: Stack) -> None:
    """The child ends with its worker; another worker goes on from the last epoch."""
    stack.start_worker("work,index")
    worker = stack.start_worker("train")
    stack.start_beat()
    run = stack.train(EPOCHS)
    stack.live.kill9(worker)
    wait_until(lambda: stack.children() == [], 10, lambda: "the end of the child")
    run.refresh_from_db()
    known = run.history
    assert len(known) < EPOCHS, "it was killed in its middle"
    stack.start_worker("train")
    job = stack.wait_for(run.job)
    run.refresh_from_db()
    assert job.attempt == 2 and run.history[: len(known)] == known and len(run.history) == EPOCHS
    stack.saw(f"the child ended too; attempt 2 went on after epoch {len(known)} of {EPOCHS}")


def kill_child(stack: Stack) -> None:
    """The job fails with a sentence, and a retry goes on from the last epoch."""
    stack.start_worker("work,index")
    stack.start_worker("train")
    stack.start_beat()
    run = stack.train(EPOCHS)
    for child in stack.children():
        os.kill(child, signal.SIGKILL)
    job = stack.wait_for(run.job, "failed")
    assert "killed by signal 9 (SIGKILL)" in job.error, job.error
    run.refresh_from_db()
    known = run.history
    jobs.retry(job)
    stack.wait_for(job)
    run.refresh_from_db()
    assert run.history[: len(known)] == known and len(run.history) == EPOCHS
    stack.saw(f'the job failed with "killed by signal 9 (SIGKILL)"; the retry went on after epoch {len(known)}')


def kill_beat(stack: Stack) -> None:
    """Without beat a lost job waits; with it, it is taken back."""
    model = stack.world.models[0]
    worker = stack.start_worker("work,index")
    beat = stack.start_beat()
    job = submit_index(model, by=None)
    stack.wait_for(job, "running")
    stack.live.kill9(beat)
    stack.live.kill9(worker)
    stack.start_worker("work,index")
    time.sleep(10)
    job.refresh_from_db()
    assert job.state == "running", "nobody else takes jobs back"
    stack.start_beat()
    stack.wait_for(job)
    stack.saw(f"the lost job waited for beat, and succeeded at attempt {job.attempt}")


def kill_encoder(stack: Stack) -> None:
    """Searches are refused with a time to come again, and go on once the encoder is back."""
    assert stack.encoder is not None
    stack.live.kill9(stack.encoder.process)
    assert not process_is_alive(stack.encoder.process.pid)
    wait_until(lambda: stack.people.statuses["503"] >= 2, PATIENCE, stack.people.said)
    ready = stack.ready()
    assert ready.status_code == 200 and ready.json()["checks"]["encoder"] == "failed"
    stack.encoder.start()
    stack.saw("searches got 503 with Retry-After until it was back; `/readyz` named `encoder` and stayed at 200")
