from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from config.errors import Rejected
from jobs import services as jobs
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.artifacts import read_json, write_json
from retrieval.experiments.services import reports
from retrieval.experiments.services import tuning as services
from retrieval.experiments.services.options import make_protocol
from retrieval.models import Experiment, Model, Run, Tuning
from tests.retrieval.world import SMALL, World, done, failed, started

pytestmark = pytest.mark.django_db

LOSS = "soft_triple"


def tuned(world: World, trials: int = 2, losses: tuple[str, ...] = (LOSS,), **values: Any) -> Experiment:
    return started(world.dataset, losses, trials=trials, **{"validation_classes": 2, **values})


def measured(count: int) -> dict[str, Any]:
    """Return the values of a file with so many trials, the last one the best."""
    trials = [
        {
            "number": number,
            "params": {"gamma": 0.5 + number},
            "learning_rate": 0.5,
            "proxy_rate_factor": 7.0,
            "map_at_r": number / 10,
            "error": "",
        }
        for number in range(count)
    ]
    ranges = {"gamma": [0.025, 0.4], "learning_rate": [1e-4, 1e-2]}
    return {"trials": 2, "ranges": ranges, "measured": trials, "seconds": 1.0}


def pretend(monkeypatch: pytest.MonkeyPatch, row: Tuning, counts: list[int]) -> list[list[str]]:
    """Let the child do nothing but leave its file with so many trials, one count after another."""
    seen: list[list[str]] = []

    def child(argv: list[str], **kwargs: Any) -> None:
        seen.append(argv)
        out = Path(argv[argv.index("--out") + 1])
        (out / "tuning").mkdir(parents=True, exist_ok=True)
        for count in counts:
            write_json(out / "tuning" / f"{row.loss}.json", measured(count))
            kwargs["on_event"]({"event": "trial", "done": count, "total": 2, "trial": "t", "map_at_r": 0.1})

    monkeypatch.setattr(services, "run_child", child)
    return seen


def test_a_tuned_experiment_has_a_tuning_for_each_loss_and_none_for_baselines(world: World, curator: User) -> None:
    experiment = tuned(world, losses=(LOSS, "n_pairs", "untrained"), by=curator)
    assert experiment.tuning == {"trials": 2, "validation_classes": 2, "seed": 0, "folds": 0, "design": 2}
    rows = list(experiment.tunings.all())
    assert [(row.loss, row.state, row.done) for row in rows] == [(LOSS, "queued", 0), ("n_pairs", "queued", 0)]
    assert all(row.job is not None and row.job.queue == "train" and row.job.owner == curator for row in rows)
    assert not experiment.runs.filter(tuned=True).exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"validation_classes": 1}, "tuning on 1 validation classes cannot rank trials"),
        ({"validation_classes": 3}, "cannot hold 3 of 4 training classes out"),
        ({"trials": 0}, "give the number of trials too"),
        ({"trials": 0, "validation_classes": 0, "tuning_folds": 2}, "tuning folds are only used for tuning"),
        ({"validation_classes": 0}, "give at most 2 folds"),
        ({"tuning_folds": 2}, "leave validation_classes out"),
        ({"trials": 501}, "501 trials are too many"),
        ({"losses": ("untrained",)}, "needs at least one loss"),
    ],
)
def test_a_tuning_that_cannot_be_is_refused_whole(world: World, change: dict[str, Any], sentence: str) -> None:
    before = Experiment.objects.count(), Job.objects.count()
    with pytest.raises(Rejected, match=sentence):
        tuned(world, **change)
    assert (Experiment.objects.count(), Job.objects.count()) == before


def test_with_folds_the_folds_hold_classes_out(world: World) -> None:
    protocol = make_protocol("demo", {**SMALL, "epochs": 1, "folds": 2}, "")
    with pytest.raises(Rejected, match="leave validation_classes out"):
        tuned(world, protocol=protocol)
    assert tuned(world, protocol=protocol, validation_classes=0).tunings.count() == 1


def test_a_loss_is_tuned_trained_and_reported_beside_the_untuned(world: World, curator: User) -> None:
    experiment = tuned(world, losses=(LOSS, "untrained"), by=curator)
    for run in experiment.runs.all():
        done(run.job)
    result = done(experiment.tunings.get().job).result
    row = experiment.tunings.get()
    assert row.state == "succeeded" and row.done == 2 and row.trials["measured"][0]["error"] == ""
    run = experiment.runs.get(tuned=True)
    assert result["runs"] == [run.pk] and run.state == "queued" and run.job.owner == curator
    done(run.job)
    model = Model.objects.get(run=run)
    described = read_json(model.folder / "model.json")
    assert model.name == "SoftTriple (tuned)" and described["params"] == run.params
    assert run.changes.keys() == {"learning_rate", "proxy_rate_factor"}
    assert {name: described["protocol"][name] for name in run.changes} == run.changes
    done(reports.submit_report(experiment, by=curator))
    document = reports.document_of(experiment)
    assert document is not None
    assert {found["name"] for found in document["rows"]} == {LOSS, f"{LOSS}-tuned", "untrained"}
    assert document["tuning"][LOSS]["trials"] == 2 and document["comparison"]["tuning"]["validation_classes"] == 2
    [shown] = services.tunings_of(experiment)
    assert shown["best"] >= shown["untuned"] and "proxy rate factor" in shown["values"]


def test_tuned_runs_are_queued_once_with_what_was_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = tuned(world, seeds=[0, 3])
    row = experiment.tunings.get()
    seen = pretend(monkeypatch, row, [1, 2])
    done(row.job)
    runs = list(experiment.runs.filter(tuned=True))
    assert [(run.seed, run.params, run.changes) for run in runs] == [
        (seed, {"gamma": 1.5}, {"learning_rate": 0.5, "proxy_rate_factor": 7.0}) for seed in (0, 3)
    ]
    Job.objects.filter(pk=row.job_id).update(state="queued", finished_at=None, heartbeat_at=None)
    done(row.job)
    assert len(seen) == 1, "finished trials are never done again"
    assert list(experiment.runs.filter(tuned=True)) == runs and Job.objects.filter(state="queued").count() == 4
    for repeated in (0, 3):
        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.create(experiment=experiment, loss=LOSS, seed=repeated, tuned=True)


def test_a_tuning_has_the_folds_that_were_chosen(world: World) -> None:
    experiment = tuned(world, validation_classes=0, tuning_folds=2)
    assert experiment.tuning is not None and experiment.tuning["folds"] == 2
    assert services.measured_on(experiment) == "2 folds of the training classes (mean)"


def test_a_tuning_queued_before_there_were_folds_searches_as_it_did_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = tuned(world)
    Experiment.objects.update(tuning={"trials": 2, "validation_classes": 2, "seed": 0})
    row = experiment.tunings.get()
    pretend(monkeypatch, row, [2])
    child, plans = services.run_child, []

    def look(argv: list[str], **kwargs: Any) -> None:
        plans.append(read_json(Path(argv[argv.index("tune") + 1])))
        child(argv, **kwargs)

    monkeypatch.setattr(services, "run_child", look)
    state = measured(2)
    for trial in state["measured"]:
        del trial["learning_rate"]
    monkeypatch.setattr(f"{__name__}.measured", lambda count: state)
    done(row.job)
    assert (plans[0]["tuning"]["design"], plans[0]["tuning"]["folds"]) == (1, 0)
    assert experiment.runs.get(tuned=True).changes == {"proxy_rate_factor": 7.0}
    assert services.measured_on(experiment) == "2 validation classes"


def test_a_best_value_at_an_edge_of_its_range_is_shown(world: World) -> None:
    row = tuned(world).tunings.get()
    Tuning.objects.filter(pk=row.pk).update(trials=measured(2))
    assert services.tunings_of(row.experiment)[0]["at_edge"] == "gamma, learning rate"


def test_a_cancelled_tuning_keeps_its_trials_and_goes_on_from_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = tuned(world)
    row = experiment.tunings.get()
    pretend(monkeypatch, row, [1])
    child = services.run_child

    def cancelled_meanwhile(argv: list[str], **kwargs: Any) -> None:
        child(argv, **kwargs)
        Job.objects.filter(pk=row.job_id).update(cancel_asked=True)
        kwargs["on_event"]({"event": "progress", "trial": "2 of 2", "phase": "train", "done": 1, "total": 2})
        kwargs["on_event"]({"event": "trial", "done": 2, "total": 2, "trial": "t", "map_at_r": 0.1})

    monkeypatch.setattr(services, "run_child", cancelled_meanwhile)
    jobs.run_job(row.job_id)
    row.refresh_from_db()
    assert row.state == "cancelled" and row.done == 1 and not experiment.runs.filter(tuned=True).exists()

    jobs.retry(row.job)
    jobs.scratch.prune(row.job_id, keep=0)  # as the sweep does after a week
    found: list[int] = []

    def look(argv: list[str], **kwargs: Any) -> None:
        file = Path(argv[argv.index("--out") + 1]) / "tuning" / f"{LOSS}.json"
        found.append(len(read_json(file)["measured"]))
        write_json(file, measured(2))
        kwargs["on_event"]({"event": "trial", "done": 2, "total": 2, "trial": "t", "map_at_r": 0.1})

    monkeypatch.setattr(services, "run_child", look)
    done(row.job)
    assert found == [1] and experiment.runs.filter(tuned=True).count() == 1


def test_a_tuning_that_fails_says_why_and_the_report_says_it_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = tuned(world)
    row = experiment.tunings.get()

    def fail(argv: list[str], **kwargs: Any) -> None:
        raise JobFailed("there are too few pictures")

    monkeypatch.setattr(services, "run_child", fail)
    done(experiment.runs.get().job)
    waiting = reports.sources_of(experiment)
    assert waiting["missing"] == [f"{LOSS}-s0-tuned"] and waiting["failed"] == {}
    assert failed(row.job) == "there are too few pictures"
    assert reports.sources_of(experiment)["failed"] == {f"{LOSS}-s0-tuned": "its tuning: there are too few pictures"}


def test_a_tuning_that_measured_nothing_fails_and_queues_nothing(world: World) -> None:
    experiment = tuned(world)
    row = experiment.tunings.get()
    state = measured(2)
    for trial in state["measured"]:
        trial |= {"map_at_r": None, "error": "the loss became nan"}
    Tuning.objects.filter(pk=row.pk).update(trials=state)
    assert "none of the trials of soft_triple could be measured" in failed(row.job)
    assert not experiment.runs.filter(tuned=True).exists()
    assert services.tunings_of(experiment)[0]["best"] is None


def test_a_tuning_whose_job_is_cleared_away_is_judged_by_its_trials(world: World) -> None:
    row = tuned(world).tunings.get()
    Job.objects.all().delete()
    row.refresh_from_db()
    assert row.state == "cancelled"
    row.trials = measured(2)
    assert row.state == "succeeded"
