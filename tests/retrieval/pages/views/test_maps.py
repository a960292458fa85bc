import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from retrieval.models import Dataset, Model
from retrieval.pages.services import maps as services
from tests.retrieval.world import World, done

pytestmark = pytest.mark.django_db


def page(client: Client, **query: object) -> str:
    answer = client.get(reverse("dataset-map", args=["wings"]), query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def made(world: World) -> int:
    index = world.index_of(world.models[0])
    done(services.submit_map(index, by=None))
    return index.pk


def test_without_a_map_the_page_says_who_makes_one(client: Client, curator_client: Client, world: World) -> None:
    assert "/make" not in page(client)
    assert "/make" in page(curator_client)
    Model.objects.update(published=False)
    assert "No model that you can see" in page(client)


def test_the_page_shows_the_first_map_or_the_one_that_is_chosen(client: Client, world: World) -> None:
    pk = made(world)
    text = page(client, model="nonsense")
    assert f"/map/{pk}/points" in text and "PCA" in text and "map-misses-title" in text
    assert f"/map/{pk}/points" in page(client, model=world.models[0].pk, page="999")
    without = page(client, model=world.models[1].pk)
    assert "no map yet" in without and "/points" not in without


def test_the_points_come_as_json(client: Client, world: World) -> None:
    address = reverse("dataset-map-points", args=["wings", made(world)])
    points = client.get(address).json()
    assert len(points["ids"]) == 48 and points["names"]["0"] == world.dataset.class_names[0]
    Dataset.objects.update(public=False)
    assert client.get(address).status_code == 404


def test_points_of_no_map_are_not_found(client: Client, world: World) -> None:
    index = world.index_of(world.models[1])
    for slug, pk in (("wings", index.pk), ("wings", 10**12), ("moths", index.pk)):
        assert client.get(reverse("dataset-map-points", args=[slug, pk])).status_code == 404
    assert client.get(reverse("dataset-map", args=["moths"])).status_code == 404


def test_a_curator_makes_a_map_and_waits_for_it(
    client: Client, member_client: Client, curator_client: Client, world: World
) -> None:
    index = world.index_of(world.models[1])
    address = reverse("dataset-map-make", args=["wings", index.pk])
    assert client.post(address).status_code == 302 and member_client.post(address).status_code == 403
    assert curator_client.get(address).status_code == 405
    assert not Job.objects.filter(kind="map").exists()
    answer = curator_client.post(address)
    assert answer["Location"] == f"{reverse('dataset-map', args=['wings'])}?model={world.models[1].pk}"
    assert "is being created" in page(client, model=world.models[1].pk)
    done(Job.objects.get(kind="map"))
    assert "data-map" in page(client, model=world.models[1].pk)
    assert "already has a map" in curator_client.post(address, follow=True).content.decode()


@pytest.mark.parametrize("name", ["dataset-picture", "dataset-map"])
def test_a_picture_is_searched_by_from_there(member_client: Client, world: World, name: str) -> None:
    made(world)
    args = ["wings", world.test_images[0].pk] if name == "dataset-picture" else ["wings"]
    text = member_client.get(reverse(name, args=args)).content.decode()
    hidden = re.findall(r'<input type="hidden" name="(?!csrf)(\w+)" value="(\d+)">', text)
    answer = member_client.post(reverse("search"), {**dict(hidden), "image": world.test_images[0].pk})
    assert answer.status_code == 302 and "/searches/" in answer["Location"]


def test_the_data_set_and_the_model_lead_to_the_map(curator_client: Client, world: World) -> None:
    there = reverse("dataset-map", args=["wings"])
    assert there in curator_client.get(reverse("dataset", args=["wings"])).content.decode()
    model = world.models[0]
    assert f"{there}?model={model.pk}" in curator_client.get(reverse("model", args=[model.pk])).content.decode()


def test_the_map_loads_the_parts_of_d3_that_it_uses_and_they_are_there(client: Client, world: World) -> None:
    made(world)
    text = page(client)
    scripts = re.findall(r'src="/static/(d3/[^"]+\.js)"', text)
    assert "d3/d3-zoom.min.js" in scripts and all(finders.find(script) for script in scripts)
    sizes = [Path(str(finders.find(script))).stat().st_size for script in scripts]
    assert sum(sizes) < 80_000, "the whole of d3 has 280 kB"


def test_without_scripts_the_map_says_what_it_needs_and_leads_on(client: Client, world: World) -> None:
    made(world)
    said = re.search(r"<noscript>(.*?)</noscript>", page(client), re.DOTALL)
    assert said and reverse("dataset-class-list", args=["wings"]) in said[1] and "#map-misses-title" in said[1]


def test_the_classes_with_the_most_misses_have_a_colour_first(client: Client, world: World) -> None:
    pk = made(world)
    index = world.index_of(world.models[0])
    stored = services.stored_map(index)
    assert stored is not None and index.pk == pk
    worst = [row.label for row in services.summary_of(index, stored).worst]
    first = re.search(r'data-first="([\d ]*)"', page(client))
    assert first and [int(label) for label in first[1].split()] == worst[:8]
