import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from tests.retrieval.registry.services.test_indexes import active, rebuilt
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def test_a_curator_queues_a_rebuild(curator_client: Client, world: World) -> None:
    answer = curator_client.post(reverse("index-build", args=[world.models[0].pk]))
    job = Job.objects.get(state="queued")
    assert answer["Location"] == reverse("job", args=[job.pk]) and job.kind == "index"


def test_a_curator_switches_back_and_is_told(curator_client: Client, world: World) -> None:
    model = world.models[0]
    old = world.index_of(model)
    new = rebuilt(model)
    answer = curator_client.post(reverse("index-activate", args=[old.pk]), follow=True)
    assert f"Index {old.pk} of" in answer.content.decode() and active(model) == [old]
    new.folder.rename(new.folder.with_name("elsewhere"))
    answer = curator_client.post(reverse("index-activate", args=[new.pk]), follow=True)
    assert "are gone; build a new one" in answer.content.decode() and active(model) == [old]


@pytest.mark.parametrize("name", ["index-build", "index-activate"])
def test_indexes_are_for_curators(
    client: Client, member_client: Client, curator_client: Client, world: World, name: str
) -> None:
    address = reverse(name, args=[1])
    assert client.post(address).status_code == 302
    assert member_client.post(address).status_code == 403
    assert curator_client.get(address).status_code == 405
    assert curator_client.post(reverse(name, args=[10**15])).status_code == 404
    assert not Job.objects.filter(state="queued").exists()
