"""The page of labels that look wrong."""

import pytest
from django.test import Client
from django.urls import reverse

from retrieval.models import Image
from tests.retrieval.registry.services.test_label_issues import planted
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def page_of(world: World, more: str = "") -> str:
    return reverse("dataset-labels", args=[world.dataset.slug]) + more


def test_it_is_for_curators(client: Client, member_client: Client, world: World) -> None:
    assert client.get(page_of(world)).status_code == 302
    assert member_client.get(page_of(world)).status_code == 403


def test_it_lists_pictures_and_moves_the_selected(
    curator_client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = world.index_of(world.models[1])
    first, *_ = planted(index, monkeypatch)
    address = page_of(world, f"?model={index.model_id}")
    page = curator_client.get(address)
    assert page.context["index"] == index and len(page.context["page"]) == 3
    suggested = page.context["page"][0].suggested_label
    answer = curator_client.post(address, {"image": [first.pk]})
    assert (answer.status_code, answer["Location"]) == (302, address)
    assert Image.objects.get(pk=first.pk).label == suggested


@pytest.mark.parametrize("selected", [[], ["9" * 30], ["x"]])
def test_a_selection_that_is_none_is_refused(curator_client: Client, world: World, selected: list[str]) -> None:
    assert curator_client.post(page_of(world), {"image": selected}).status_code == 400


def test_a_set_without_index_or_labels_says_so(curator_client: Client, world: World) -> None:
    world.dataset.indexes.update(active=False)
    page = curator_client.get(page_of(world))
    assert page.status_code == 200 and page.context["report"] is None
    assert reverse("dataset-index", args=[world.dataset.slug]) in page.content.decode()


def test_another_model_than_there_is_falls_back_to_the_best(curator_client: Client, world: World) -> None:
    best = curator_client.get(page_of(world)).context["index"]
    assert curator_client.get(page_of(world, "?model=999")).context["index"] == best


def test_a_damaged_index_is_told(curator_client: Client, world: World) -> None:
    for index in world.dataset.indexes.filter(active=True):
        for file in (*index.folder.glob("labels-*.json"), index.folder / "vectors.npy"):
            file.unlink()
    assert curator_client.get(page_of(world)).status_code == 409
