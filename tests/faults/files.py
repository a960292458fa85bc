"""Files that are damaged while the site runs."""

from collections.abc import Callable
from pathlib import Path

from retrieval.registry.services.indexes import submit_index
from tests.faults.stack import PATIENCE, Stack
from tests.jobs.live import wait_until
from tests.retrieval.world import replaced

EPOCHS = 30
GRAPH, MANIFEST = "index.bin", "manifest.json"


def corrupt_index(stack: Stack) -> None:
    """The other model answers, and the search says what is wrong with this one; a new index mends it."""
    _damaged(stack, GRAPH, _flipped)


def corrupt_manifest(stack: Stack) -> None:
    """As with the index itself."""
    _damaged(stack, MANIFEST, lambda data: data[: len(data) // 2])


def _damaged(stack: Stack, name: str, damage: Callable[[bytes], bytes]) -> None:
    model = stack.world.models[0]
    file = stack.world.index_of(model).folder / name
    whole = file.read_bytes()
    stack.kill_web()
    replaced(file, damage(whole))
    stack.start_web()
    _only_the_other_answers(stack)
    stack.start_worker("work,index")
    stack.start_beat()
    stack.wait_for(submit_index(model, by=None))
    stack.kill_web()
    stack.start_web()
    _both_answer(stack)
    replaced(file, whole)  # so that what is counted at the end is what this did
    stack.saw("searches named the damaged index, and the other model answered; a new index mended it")


def corrupt_checkpoint(stack: Stack) -> None:
    """The training begins anew rather than go on from wrong numbers."""
    stack.start_worker("work,index")
    worker = stack.start_worker("train")
    stack.start_beat()
    run = stack.train(EPOCHS)
    stack.live.kill9(worker)
    [state] = Path(stack.live.env["KINDRED_VAR"]).glob("scratch/job-*/work-*/epoch-*/state.safetensors")
    state.write_bytes(_flipped(state.read_bytes()))
    stack.start_worker("train")
    job = stack.wait_for(run.job)
    run.refresh_from_db()
    assert len(run.history) == EPOCHS
    stack.saw(f"the training began anew and succeeded at attempt {job.attempt}")


def corrupt_object(stack: Stack) -> None:
    """A host without copies does not take it up."""
    assert stack.server is not None and stack.hosts is not None
    model = stack.world.models[0]
    index = stack.world.index_of(model)
    bucket = stack.live.env["STORAGE_URL"].split("/")[2]
    digest = index.manifest["files"][GRAPH]["sha256"]
    key = f"site/{index.path}/.files/{digest}"
    stored = stack.server.client.get_object(Bucket=bucket, Key=key)
    whole, metadata = stored["Body"].read(), stored["Metadata"]
    stack.kill_web()
    stack.server.client.put_object(Bucket=bucket, Key=key, Body=_flipped(whole), Metadata=metadata)
    stack.hosts = stack.hosts.with_name("cold")
    stack.start_web()
    _only_the_other_answers(stack)
    stack.server.client.put_object(Bucket=bucket, Key=key, Body=whole, Metadata=metadata)
    wait_until(lambda: _answering(stack, 2), PATIENCE, stack.people.said)
    stack.saw("searches named the damaged index, and the other model answered, until the object was whole again")


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def _only_the_other_answers(stack: Stack) -> None:
    """Nothing wrong is served: only the other model's results are, and the search says why."""
    known = set(stack.people.searches)
    stack.wait_for_searches()
    later = {key: found for key, found in list(stack.people.searches.items()) if key not in known}
    assert all(set(found) == {stack.world.models[1].pk} for found in later.values()), later
    with stack.api(stack.member) as api:
        problems = api.get(f"searches/{next(iter(later))}/").json()["problems"]
    assert [problem["model"] for problem in problems] == [stack.world.models[0].pk], problems


def _both_answer(stack: Stack) -> None:
    assert _answering(stack, 2)


def _answering(stack: Stack, models: int) -> bool:
    known = set(stack.people.searches)
    stack.wait_for_searches(2)
    return all(len(found) == models for key, found in list(stack.people.searches.items()) if key not in known)
