import pytest

from jobs import services as jobs
from retrieval.experiments.services import curves
from retrieval.models import Run
from tests.retrieval.world import World, started

pytestmark = pytest.mark.django_db


def test_curves_have_a_point_per_epoch_and_end_when_no_run_is_active(world: World) -> None:
    told = curves.curves_of(Run.objects.all())
    assert not told["active"] and [run["title"] for run in told["runs"]] == [
        "SoftTriple (seed 0)",
        "Multi-Similarity (seed 0)",
    ]
    [run, _] = told["runs"]
    event = Run.objects.all()[0].history[0]
    assert run["loss"] == [(1, event["loss"])] and run["speed"] == [(1, event["images_per_second"])]
    assert run["recall"] == [], "no validation class was held out"


def test_recall_is_of_the_validation_classes_of_100(world: World) -> None:
    run = started(world.dataset, ("soft_triple",)).runs.get()
    measured = {"recall_at": {"1": 0.25}, "map_at_r": 0.125}
    run.history = [{"epoch": 1, "loss": 2.0, "validation": measured}, {"epoch": 2, "loss": 1.0}]
    told = curves.curves_of([run])
    assert told["active"] and told["runs"][0]["recall"] == [(1, 25.0)] and told["runs"][0]["speed"] == []
    rows = curves.epoch_rows(run)
    assert [(row["epoch"], row["metrics"][0].value) for row in rows] == [(2, None), (1, 0.25)]


def test_a_run_without_an_epoch_has_no_curve_yet(world: World) -> None:
    assert curves.curves_of(started(world.dataset, ("soft_triple",)).runs.all()) == {"active": True, "runs": []}


def test_runs_of_several_experiments_are_told_apart(world: World) -> None:
    other = started(world.dataset, ("soft_triple",), name="Other").runs.get()
    other.history = [{"epoch": 1, "loss": 1.0}]
    titles = [run["title"] for run in curves.curves_of([Run.objects.all()[0], other])["runs"]]
    assert titles == ["Small: SoftTriple (seed 0)", "Other: SoftTriple (seed 0)"]


def test_the_running_of_is_the_one_that_a_worker_has(world: World) -> None:
    experiment = started(world.dataset)
    assert curves.running_of(experiment) is None
    run = experiment.runs.all()[1]
    jobs.claim(run.job_id)
    assert curves.running_of(experiment) == run
