from typing import Any

import pytest

from accounts.models import AuditEntry, User
from config.errors import Conflict
from jobs import services as jobs
from jobs.errors import JobRefused
from jobs.models import Job
from retrieval.experiments.services.cancelling import cancel_experiment
from retrieval.models import Experiment
from tests.retrieval.world import World, started

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_tunings_end_before_runs_for_they_bring_more(
    world: World, curator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, kinds = started(world.dataset, trials=3, validation_classes=2), []
    cancel = jobs.request_cancel

    def noted(job: Job, **values: Any) -> None:
        kinds.append(job.kind)
        cancel(job, **values)

    monkeypatch.setattr(jobs, "request_cancel", noted)
    assert cancel_experiment(experiment, by=curator) == 4
    assert kinds == ["tune", "tune", "train", "train"]


def test_cancelling_twice_finds_nothing_the_second_time(world: World) -> None:
    experiment = started(world.dataset)
    assert cancel_experiment(experiment, by=None) == 2
    with pytest.raises(Conflict, match="Small has no queued or running jobs"):
        cancel_experiment(experiment, by=None)
    assert AuditEntry.objects.filter(action="cancel-experiment").count() == 1


def test_a_job_that_ends_meanwhile_is_not_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = started(world.dataset)
    first = experiment.runs.all()[0]
    cancel = jobs.request_cancel

    def late(job: Job, **values: Any) -> None:
        if job.pk == first.job_id:
            raise JobRefused("it has succeeded already")
        cancel(job, **values)

    monkeypatch.setattr(jobs, "request_cancel", late)
    assert cancel_experiment(experiment, by=None) == 1


def test_what_is_finished_is_left_alone(world: World) -> None:
    with pytest.raises(Conflict):
        cancel_experiment(Experiment.objects.get(), by=None)
    assert not Job.objects.filter(state="cancelled").exists()
