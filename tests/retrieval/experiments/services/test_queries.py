import pytest
from django.utils import timezone

from jobs.models import Job
from retrieval.experiments.services.queries import every_run, runs_in
from retrieval.models import Run
from tests.retrieval.world import World, started

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_runs_are_found_by_the_state_that_each_says_it_has(world: World) -> None:
    runs = list(started(world.dataset, seeds=range(3)).runs.all())
    for run, state in zip(runs, Job.State.values, strict=False):
        now = timezone.now()
        ended = None if state in Job.ACTIVE else now
        Job.objects.filter(pk=run.job_id).update(state=state, finished_at=ended, heartbeat_at=now, attempt=1)
    Run.objects.filter(pk=runs[-1].pk).update(job=None)  # its row was deleted
    measured = Run.objects.filter(metrics__isnull=False).first()
    assert measured is not None
    Job.objects.filter(pk=measured.job_id).update(state="failed")  # the metrics count
    for state in Job.State.values:
        assert set(runs_in(every_run(), [state])) == {run for run in every_run() if run.state == state}, state
    some = {run for run in every_run() if run.state in ("succeeded", "cancelled")}
    assert set(runs_in(every_run(), ["succeeded", "cancelled"])) == some and len(some) >= 3
