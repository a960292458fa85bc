"""Pages that delete, archive and restore."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from jobs.models import Job
from ratings.services import ballots
from retrieval.models import Dataset, Experiment, Model, Run
from tests.retrieval.world import World, done, started

pytestmark = pytest.mark.django_db


def last_job() -> Job:
    job = Job.objects.first()
    assert job is not None
    return job


def test_a_site_is_emptied_by_pages(world: World, curator_client: Client) -> None:
    experiment = Experiment.objects.get()
    address = reverse("experiment-delete", args=[experiment.pk])
    assert address in curator_client.get(reverse("experiment", args=[experiment.pk])).content.decode()
    blocked = curator_client.get(reverse("dataset-delete", args=["wings"])).content.decode()
    assert f'href="{reverse("experiment", args=[experiment.pk])}"' in blocked, "what is in the way is a link"
    page = curator_client.get(address).content.decode()
    assert "2 runs" in page and "2 models, 2 of them published" in page and "2 indexes" in page
    answer = curator_client.post(address, {"action": "delete"})
    assert answer["Location"] == reverse("job", args=[last_job().pk])
    assert curator_client.get(address).status_code == 200, "it says that it is being deleted"
    done(last_job())
    assert curator_client.get(address).status_code == 404
    curator_client.post(reverse("dataset-delete", args=["wings"]))
    done(last_job())
    assert not Dataset.objects.exists() and not Model.objects.exists()
    assert curator_client.get(reverse("lab")).status_code == 200


def test_a_rated_experiment_is_archived_and_restored(world: World, member: User, curator_client: Client) -> None:
    ballot = ballots.next_ballot(member)
    ballots.rate(ballot, dict.fromkeys(ballot.order, 3))
    experiment = Experiment.objects.get()
    address = reverse("experiment-delete", args=[experiment.pk])
    page = curator_client.get(address).content.decode()
    assert "1 rated ballot" in page and 'value="archive"' in page and 'value="delete"' not in page
    assert curator_client.post(address, {"action": "delete"}).status_code == 409
    curator_client.post(address, {"action": "archive"})
    listed = curator_client.get(reverse("experiments")).content.decode()
    assert reverse("experiment", args=[experiment.pk]) not in listed
    listed = curator_client.get(reverse("experiments") + "?state=archived").content.decode()
    assert reverse("experiment", args=[experiment.pk]) in listed
    curator_client.post(reverse("experiment-restore", args=[experiment.pk]))
    experiment.refresh_from_db()
    assert experiment.archived_at is None


def test_the_jobs_in_the_way_are_cancelled_from_the_page(world: World, curator_client: Client) -> None:
    experiment = started(world.dataset)
    address = reverse("experiment-delete", args=[experiment.pk])
    page = curator_client.get(address).content.decode()
    assert 'value="cancel"' in page and 'value="delete"' not in page
    assert curator_client.post(address, {"action": "delete"}).status_code == 409
    assert curator_client.post(address, {"action": "cancel"})["Location"] == address
    assert 'value="delete"' in curator_client.get(address).content.decode()


@pytest.mark.parametrize("name", ["experiment-delete", "run-delete", "model-delete"])
def test_only_curators_delete(world: World, client: Client, member_client: Client, name: str) -> None:
    address = reverse(name, args=[1])
    assert client.get(address).status_code == 302
    assert member_client.get(address).status_code == 403 == member_client.post(address).status_code
    assert not Job.objects.filter(kind="delete-trained").exists()


def test_a_model_and_a_run_have_their_pages(world: World, curator_client: Client) -> None:
    model, run = world.models[0], Run.objects.get(model=world.models[1])
    assert (
        reverse("model-delete", args=[model.pk])
        in curator_client.get(reverse("model", args=[model.pk])).content.decode()
    )
    assert "1 run" in curator_client.get(reverse("model-delete", args=[model.pk])).content.decode()
    page = curator_client.get(reverse("run-delete", args=[run.pk])).content.decode()
    assert 'value="archive"' not in page
    curator_client.post(reverse("run-delete", args=[run.pk]), {"action": "delete"})
    done(last_job())
    assert not Model.objects.filter(pk=world.models[1].pk).exists()
    curator_client.post(reverse("model-delete", args=[model.pk]), {"action": "archive"})
    assert curator_client.get(reverse("model", args=[model.pk])).status_code == 200
    curator_client.post(reverse("model-restore", args=[model.pk]))
    model.refresh_from_db()
    assert model.archived_at is None
