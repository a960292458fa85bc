import pytest

from retrieval.experiments.services.log import LINES, RunLog
from retrieval.models import Run
from tests.retrieval.world import World, done, started

pytestmark = pytest.mark.django_db


def stored(run: Run) -> list[str]:
    run.refresh_from_db()
    return [line.partition(" ")[2] for line in run.log.splitlines()]


def test_a_log_tells_phases_epochs_warnings_and_what_the_child_wrote(world: World) -> None:
    run = started(world.dataset, ("soft_triple",)).runs.get()
    log = RunLog(run)
    for step in range(3):
        log.hear({"event": "progress", "phase": "train", "done": step, "total": 3})
    log.hear({"event": "epoch", "epoch": 1, "epochs": 2, "loss": 0.5, "images_per_second": 80, "warnings": ["flat"]})
    log.add("UserWarning: something")
    log.store()
    assert stored(run) == [
        "train begins",
        "epoch 1 of 2: loss 0.5000, 80 pictures a second",
        "warning: flat",
        "UserWarning: something",
    ]


def test_a_log_keeps_its_last_lines_and_a_retry_goes_on_below(world: World) -> None:
    run = started(world.dataset, ("soft_triple",)).runs.get()
    first = RunLog(run)
    for number in range(LINES + 20):
        first.add(f"line {number}")
    first.store()
    assert stored(run)[0] == "line 20" and len(stored(run)) == LINES
    again = RunLog(run)
    again.add("again")
    again.store()
    assert stored(run)[-2:] == [f"line {LINES + 19}", "again"] and len(stored(run)) == LINES


def test_a_training_leaves_its_log(world: World) -> None:
    run = started(world.dataset, ("soft_triple",)).runs.get()
    done(run.job)
    lines = stored(run)
    assert lines[0] == "attempt 1 begins" and any(line.startswith("epoch 1 of 1: loss") for line in lines)
