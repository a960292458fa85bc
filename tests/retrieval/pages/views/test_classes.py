import pytest
from django.test import Client
from django.urls import reverse

from retrieval.models import Dataset
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def test_a_class_has_a_page(world: World, member_client: Client) -> None:
    Dataset.objects.update(licence="CC0", attribution="Somebody")
    answer = member_client.get(reverse("class", args=[world.dataset.slug, 5]))
    text = answer.content.decode()
    assert answer.status_code == 200 and f"<h1><bdi>{world.dataset.class_names[5]}</bdi></h1>" in text
    assert "CC0" in text and "Somebody" in text and "Most easily confused with" in text
    assert text.count("/pictures/") - text.count("/thumbnail") >= 6 and text.count('name="image"') == 1
    assert text.count("held out") == 1, "once, not under each picture"


def test_visitors_see_public_classes_only(world: World, client: Client) -> None:
    where = reverse("class", args=[world.dataset.slug, 5])
    text = client.get(where).content.decode()
    assert world.dataset.class_names[5] in text and 'name="image"' not in text
    Dataset.objects.update(public=False)
    assert client.get(where).status_code == 404


@pytest.mark.parametrize("label", [8, 10**12])
def test_a_class_that_is_none_is_not_found(world: World, member_client: Client, label: int) -> None:
    assert member_client.get(reverse("class", args=[world.dataset.slug, label])).status_code == 404


def test_a_class_of_one_picture_says_what_that_means(world: World, client: Client) -> None:
    keep = world.dataset.images.filter(label=5).first()
    world.dataset.images.filter(label=5).exclude(pk=keep.pk).update(hidden=True)  # type: ignore[union-attr]
    where = reverse("class", args=[world.dataset.slug, 5])
    assert "has one picture" in client.get(where).content.decode()
    world.dataset.images.filter(label=5).update(hidden=True)
    assert "All of its pictures are hidden" in client.get(where).content.decode()


def test_the_data_set_leads_to_its_classes(world: World, client: Client) -> None:
    text = client.get(reverse("dataset", args=[world.dataset.slug])).content.decode()
    assert all(reverse("class", args=[world.dataset.slug, label]) in text for label in range(8))
