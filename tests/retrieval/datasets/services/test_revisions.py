import pytest
from django.test import Client
from django.urls import reverse

from retrieval.datasets.services.curating import set_hidden
from retrieval.datasets.services.revisions import measured_revision
from retrieval.models import Model
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def test_figures_belong_to_the_revision_that_was_measured(world: World, curator_client: Client) -> None:
    chosen, address = [world.test_images[0].pk], reverse("model", args=[world.models[0].pk])

    def revision() -> int | None:
        return measured_revision(Model.objects.get(pk=world.models[0].pk))

    assert revision() == 1 and "These metrics are of" not in curator_client.get(address).content.decode()
    set_hidden(world.dataset, chosen, True, by=None)
    assert revision() == 1
    assert "of revision 1 of <bdi>Wings</bdi>, now at revision 2" in curator_client.get(address).content.decode()
    set_hidden(world.dataset, chosen, False, by=None)
    assert revision() == 3, "it is again what it was"
    (world.models[0].folder / "model.json").unlink()
    assert revision() is None
