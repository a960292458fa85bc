"""One notice about each piece of work: an experiment's trainings share it."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from jobs import notices
from jobs.models import Job, Notice
from retrieval.models import Experiment, Run
from tests.retrieval.world import World, started

pytestmark = pytest.mark.django_db


def end(run: Run, state: str) -> Job:
    job = run.job
    assert job is not None
    Job.objects.filter(pk=job.pk).update(state=state, finished_at=timezone.now(), attempt=1)
    job.refresh_from_db()
    if state == "succeeded":
        Run.objects.filter(pk=run.pk).update(metrics={"map_at_r": 0.5})
    return job


def test_an_experiment_gives_one_notice_when_its_last_run_has_ended(world: World, curator: User) -> None:
    experiment = started(world.dataset, seeds=[0, 1], by=curator)
    runs = list(experiment.runs.select_related("job"))
    jobs = [end(run, "failed" if run is runs[0] else "succeeded") for run in runs[:3]]
    for job in jobs:
        notices.hear(job)
    assert not Notice.objects.exists()
    jobs.append(end(runs[3], "succeeded"))
    for job in jobs:  # two that end at once both find the others ended
        notices.hear(job)
    notice = Notice.objects.get()
    assert notice.outcome == "failed" and notice.detail == "3 of 4 runs succeeded"
    assert notice.url == reverse("experiment", args=[experiment.pk])


def test_a_retried_run_gives_another(world: World, curator: User) -> None:
    run = started(world.dataset, ("soft_triple",), by=curator).runs.select_related("job").get()
    notices.hear(end(run, "failed"))
    job = end(run, "succeeded")
    Job.objects.filter(pk=job.pk).update(attempt=2)
    job.refresh_from_db()
    notices.hear(job)
    assert list(Notice.objects.order_by("pk").values_list("outcome", flat=True)) == ["failed", "succeeded"]


def test_an_import_gives_one_that_leads_to_its_data_set(world: World, curator: User) -> None:
    job = world.dataset.job
    assert job is not None
    Job.objects.filter(pk=job.pk).update(owner=curator)
    job.refresh_from_db()
    notices.hear(job)
    notice = Notice.objects.get()
    assert notice.url == reverse("dataset", args=["wings"]) and notice.title == "Import of Wings finished"


def test_a_first_index_and_an_estimate_give_none(world: World, curator: User) -> None:
    experiment = Experiment.objects.get()
    for kind, payload in (("index", {"model": world.models[0].pk, "dataset": experiment.dataset_id}), ("estimate", {})):
        now = timezone.now()
        values = {"started_at": now.replace(year=2020), "finished_at": now, "state": "succeeded"}
        notices.hear(Job.objects.create(kind=kind, payload=payload, owner=curator, **values))
    assert not Notice.objects.exists()
