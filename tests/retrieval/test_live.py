"""Training and indexing by real workers that are killed, told twice, or not told at all."""

from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import User
from jobs import services as jobs
from jobs.models import Job
from retrieval.models import Index, Model, Run
from retrieval.registry.services.indexes import submit_index
from tests.jobs.live import Live, process_is_alive, wait_until
from tests.retrieval import worker_app
from tests.retrieval.world import LOSSES, World, started

pytestmark = pytest.mark.queue

PATIENCE = 180  # seconds: torch alone may take a while to load on a busy machine


def trainings(run: Run) -> list[int]:
    """Return the process ids of the children that train a run, wherever they are."""
    out = str(Path(settings.MEDIA_ROOT) / "runs" / str(run.pk))
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if out.encode() in words and process_is_alive(int(folder.name)):
            found.append(int(folder.name))
    return found


def epochs(run: Run) -> list[int]:
    run.refresh_from_db()
    return [event["epoch"] for event in run.history]


def folders(parent: str) -> list[str]:
    """Return the names of what lies in a folder below the media folder, half-written things included."""
    return sorted(entry.name for entry in (Path(settings.MEDIA_ROOT) / parent).iterdir())


def test_a_training_killed_in_its_middle_is_completed_exactly_once(live: Live, world: World) -> None:
    run = started(world.dataset, LOSSES[:1], epochs=12).runs.get()
    assert run.job is not None
    worker = live.start_worker("train")
    wait_until(lambda: len(epochs(run)) >= 2, PATIENCE, lambda: f"an epoch\n{live.logs()}")
    [child] = trainings(run)
    live.kill9(worker)
    before = len(epochs(run))
    known = run.history
    wait_until(lambda: not process_is_alive(child), 5, lambda: "the end of the child")
    assert trainings(run) == [] and before < 12, "it was killed in its middle"
    assert not (Path(settings.MEDIA_ROOT) / "runs" / str(run.pk)).exists()

    live.start_worker("train")
    live.start_beat()
    live.wait_for(run.job, "succeeded", PATIENCE)
    assert (run.job.attempt, run.job.tries) == (2, 2)
    assert epochs(run) == list(range(1, 13)) and run.metrics is not None
    assert run.history[:before] == known, "it went on from the checkpoint: even the seconds are those of the first try"
    model = Model.objects.get(run=run)
    assert folders("runs") == sorted({str(model.run_id), *(str(other.run_id) for other in world.models)})
    assert trainings(run) == [] and not list((Path(settings.VAR_DIR) / "scratch").glob("*"))
    assert Job.objects.filter(state="running").count() == 0
    assert Job.objects.get(state="queued").payload == {"model": model.pk, "dataset": world.dataset.pk}


@pytest.mark.services_only
def test_an_index_build_killed_in_its_middle_leaves_the_old_one_serving(live: Live, world: World, member: User) -> None:
    model = world.models[0]
    old = world.index_of(model)
    live.app = "tests.retrieval.worker_app"
    worker = live.start_worker("work")
    job = jobs.submit(worker_app.SLOW_INDEX, {"model": model.pk, "dataset": world.dataset.pk})
    half = f".job-{job.pk}-"
    parent = f"indexes/{model.weights_sha256[:16]}"
    wait_until(lambda: folders(parent)[0].startswith(half), PATIENCE, lambda: f"a half\n{live.logs()}")
    assert world.ask(member, models=[model]).rankings.get().index == old
    live.kill9(worker)
    assert len(folders(parent)) == 2 and world.ask(member, models=[model]).rankings.get().index == old

    live.start_worker("work")
    live.start_beat()
    live.wait_for(job, "succeeded", PATIENCE)
    [new] = Index.objects.filter(model=model, active=True)
    assert new != old and new.folder.name == f"job-{job.pk}-{world.dataset.revision}" and job.attempt == 2
    assert folders(parent) == sorted([old.folder.name, new.folder.name])
    assert Index.objects.filter(model=model).count() == 2
    assert world.ask(member, models=[model]).rankings.get().index == new


@pytest.mark.services_only
def test_messages_delivered_twice_train_and_index_once(live: Live, world: World) -> None:
    run = started(world.dataset, LOSSES[:1]).runs.get()
    rebuild = submit_index(world.models[0], by=None)
    for job in (run.job, rebuild):
        for _ in range(2):  # the third message and the second; the first left when the job was submitted
            assert job is not None and jobs.send(job)
    for queue in ("train", "train", "work", "work"):
        live.start_worker(queue)
    live.wait_for(rebuild, "succeeded", PATIENCE)
    assert run.job is not None
    live.wait_for(run.job, "succeeded", PATIENCE)
    index_job = Job.objects.get(pk=run.job.result["index_job"])
    live.wait_for(index_job, "succeeded", PATIENCE)
    assert {job.attempt for job in (run.job, rebuild, index_job)} == {1}
    assert Model.objects.filter(run=run).count() == 1 and epochs(run) == [1]
    assert Index.objects.filter(model=world.models[0]).count() == 2
    assert Index.objects.filter(model__run=run, active=True).count() == 1
    assert "Traceback" not in live.logs()


@pytest.mark.services_only
def test_messages_never_delivered_train_and_index_all_the_same(live: Live, world: World) -> None:
    """The sweep finds the rows; the run's files are there already, so nothing is trained anew."""
    run = world.models[0].run
    payloads = {"train": {"run": run.pk}, "index": {"model": world.models[1].pk, "dataset": world.dataset.pk}}
    lost = [
        Job.objects.create(kind=kind, payload=payload, queue="train" if kind == "train" else "work")
        for kind, payload in payloads.items()
    ]
    for queue in ("train", "work"):
        live.start_worker(queue)
    live.start_beat()
    for job in lost:
        live.wait_for(job, "succeeded", PATIENCE)
    assert lost[0].result["model"] == world.models[0].pk and Model.objects.count() == 2
    assert Index.objects.get(model=world.models[1], active=True).pk == lost[1].result["index"]
