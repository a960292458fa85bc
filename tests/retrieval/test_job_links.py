import pytest
from django.test import Client
from django.urls import reverse

from jobs import services as jobs
from jobs.models import Job
from retrieval.models import Model, Run
from tests.retrieval.world import World, started

pytestmark = pytest.mark.django_db


def addresses(job: Job | None) -> list[str]:
    assert job is not None
    return [address for _, address in jobs.links_of(job)]


def test_every_kind_leads_to_what_it_made(world: World) -> None:
    run, model = Run.objects.all()[0], world.models[0]
    assert addresses(world.dataset.job) == [reverse("dataset", args=["wings"])]
    assert addresses(run.job) == [
        reverse("run", args=[run.pk]),
        reverse("experiment", args=[run.experiment_id]),
        reverse("model", args=[model.pk]),
    ]
    index = Job.objects.get(pk=run.job.result["index_job"])  # type: ignore[union-attr]
    where = reverse("model", args=[model.pk])
    assert addresses(index) == [where, f"{where}#indexes-title"]
    job = Job(kind="compare", payload={"runs": [1, 2]})
    assert addresses(job) == [f"{reverse('compare')}?run=1&run=2"]
    tuning = started(world.dataset, ("soft_triple",), trials=2, validation_classes=2).tunings.get()
    assert addresses(tuning.job) == [reverse("experiment", args=[tuning.experiment_id])]
    assert addresses(Job(kind="report", payload={"experiment": run.experiment_id})) == [
        reverse("experiment", args=[run.experiment_id])
    ]


def test_what_is_gone_and_unknown_kinds_lead_nowhere(world: World) -> None:
    assert addresses(Job(kind="add-model", payload={}, result={"model": 10**6})) == []
    assert addresses(Job(kind="of another version", payload={})) == []


def test_a_jobs_page_shows_the_way_to_curators_only(
    world: World, curator_client: Client, member_client: Client
) -> None:
    job = Job.objects.get(pk=Run.objects.all()[0].job_id)
    link = f'href="{reverse("model", args=[Model.objects.all()[0].pk])}"'
    assert link in curator_client.get(reverse("job", args=[job.pk])).content.decode()
    Job.objects.filter(pk=job.pk).update(owner=member_client.session["_auth_user_id"])
    assert link not in member_client.get(reverse("job", args=[job.pk])).content.decode()
