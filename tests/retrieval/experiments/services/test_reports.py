import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.models import AuditEntry
from config.errors import Rejected
from jobs import services as jobs
from jobs.models import Job
from mlcore.artifacts import read_json
from retrieval.experiments.services import reports as services
from retrieval.experiments.services.options import make_protocol
from retrieval.models import Experiment, Report, Run
from tests.retrieval.world import SMALL, World, done, failed, started

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("children_here")]


@pytest.fixture
def experiment(world: World) -> Experiment:
    return Experiment.objects.get()


def made(experiment: Experiment) -> dict[str, Any]:
    done(services.submit_report(experiment, by=None))
    document = services.document_of(experiment)
    assert document is not None
    return document


def test_a_report_has_a_row_for_each_loss_with_its_figures_and_tests(experiment: Experiment) -> None:
    document = made(experiment)
    rows = {row["name"]: row for row in document["rows"]}
    assert rows.keys() == {"soft_triple", "multi_similarity"}
    for run in experiment.runs.all():
        found = rows[run.loss]["metrics"]["map_at_r"]
        assert (
            found["mean"] == pytest.approx(run.metrics["map_at_r"]) and found["low"] <= found["mean"] <= found["high"]
        )
    assert len(document["pairs"]["map_at_r"]) == 1 and len(document["fairness_checks"]) >= 11
    assert document["failed"] == {} and document["missing"] == []
    assert document["comparison"]["dataset"]["fingerprint"] == experiment.dataset.fingerprint
    for suffix in services.FORMATS:
        file = services.file_of(experiment, suffix)
        assert file is not None and file.stat().st_size > 100


@pytest.mark.services
def test_a_report_made_again_replaces_the_old_one_whole(
    experiment: Experiment, django_capture_on_commit_callbacks: Any
) -> None:
    made(experiment)
    old = Report.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        made(experiment)
    new = Report.objects.get()
    assert new.path != old.path and new.made_at > old.made_at
    assert new.folder.is_dir() and not old.folder.exists()


@pytest.mark.services
def test_a_report_job_that_runs_twice_makes_one_report(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    made(experiment)
    job, before = services.latest_job(experiment), Report.objects.get()
    assert job is not None
    monkeypatch.setattr(services, "run_child", None)
    Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None, heartbeat_at=None)
    done(job)
    assert Report.objects.get().made_at == before.made_at


def test_what_another_database_left_under_the_same_number_is_not_taken(experiment: Experiment) -> None:
    job = services.submit_report(experiment, by=None)
    stray = Path(settings.MEDIA_ROOT) / f"reports/job-{job.pk}"
    stray.mkdir(parents=True)
    (stray / "report.json").write_text("{}")
    done(job)
    assert len(read_json(stray / "report.json")["rows"]) == 2


def test_one_report_is_queued_at_a_time(experiment: Experiment) -> None:
    assert services.submit_report(experiment, by=None) == services.submit_report(experiment, by=None)
    assert Job.objects.filter(kind="report").count() == 1
    assert AuditEntry.objects.get(action="make-report").target == experiment.name


def test_a_half_failed_experiment_says_what_failed_and_what_is_still_to_come(experiment: Experiment) -> None:
    whole = experiment.runs.get(loss="soft_triple")
    for seed, state in ((1, "failed"), (2, "cancelled"), (3, "queued")):
        ended = None if state == "queued" else whole.job.finished_at
        job = Job.objects.create(kind="train", queue="train", state=state, error="", finished_at=ended)
        Run.objects.create(experiment=experiment, loss="soft_triple", params=whole.params, seed=seed, job=job)
    Job.objects.filter(state="failed").update(error="the loss became nan at epoch 2")
    document = made(experiment)
    assert document["failed"] == {
        "soft_triple-s1": "the loss became nan at epoch 2",
        "soft_triple-s2": "cancelled",
    }
    assert document["missing"] == ["soft_triple-s3"]
    notes = services.page_values(document)["notes"]
    assert "2 of 5 runs failed" in notes[0] and "became nan" in notes[0] and "not finished yet" in notes[1]


def test_a_single_finished_run_has_a_report_too(experiment: Experiment) -> None:
    experiment.runs.filter(loss="soft_triple").update(metrics=None)
    document = made(experiment)
    assert [row["name"] for row in document["rows"]] == ["multi_similarity"] and document["pairs"]["map_at_r"] == []
    assert document["missing"] == ["soft_triple-s0"] and len(services.page_values(document)["matrix"]) == 1


def test_a_run_finished_since_is_counted(experiment: Experiment) -> None:
    document = made(experiment)
    assert services.finished_since(experiment, document) == 0
    whole = experiment.runs.get(loss="soft_triple")
    Run.objects.create(experiment=experiment, loss="soft_triple", params={}, seed=1, metrics=whole.metrics)
    assert services.finished_since(experiment, document) == 1


def test_folds_stand_one_by_one_and_joined(world: World) -> None:
    protocol = make_protocol("demo", {**SMALL, "epochs": 1, "folds": 2}, "")
    experiment = started(world.dataset, ("n_pairs", "untrained"), protocol=protocol)
    for run in experiment.runs.all():
        done(run.job)
    rows = {row["name"]: row["title"] for row in made(experiment)["rows"]}
    assert rows == {
        "untrained": "Untrained backbone",
        "n_pairs": "N-pairs (one fold)",
        "n_pairs-joined": "N-pairs (folds joined)",
    }


def test_an_experiment_without_a_loss_or_a_finished_run_has_no_report(world: World) -> None:
    with pytest.raises(Rejected, match="trains no loss"):
        services.submit_report(started(world.dataset, ("untrained",)), by=None)
    waiting = started(world.dataset)
    with pytest.raises(Rejected, match="no run of Small is finished yet"):
        services.submit_report(waiting, by=None)
    assert services.document_of(waiting) is None and services.file_of(waiting, "html") is None


def test_a_cancelled_report_leaves_the_old_one_and_no_files(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = made(experiment)
    job = services.submit_report(experiment, by=None)

    def cancelled_meanwhile(argv: list[str], **kwargs: Any) -> None:
        Job.objects.filter(pk=job.pk).update(cancel_asked=True)
        kwargs["on_event"]({"event": "progress", "phase": "write", "done": 3, "total": 4})

    monkeypatch.setattr(services, "run_child", cancelled_meanwhile)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "cancelled" and services.document_of(experiment) == before
    assert len(list((Path(settings.MEDIA_ROOT) / "reports").iterdir())) == 1


def test_a_damaged_run_fails_the_report_with_a_sentence(experiment: Experiment, world: World) -> None:
    (world.models[0].folder / "per_query.npz").unlink()
    assert "cannot be read" in failed(services.submit_report(experiment, by=None))
    assert not Report.objects.exists()


def test_a_report_whose_files_are_gone_is_none(experiment: Experiment) -> None:
    made(experiment)
    shutil.rmtree(Report.objects.get().folder)
    assert services.document_of(experiment) is None and services.file_of(experiment, "csv") is None
