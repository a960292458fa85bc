import json
import re

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from mlcore.evaluation.evaluate import PER_QUERY
from retrieval.datasets.services.classes import add_classes
from retrieval.models import Dataset, Image, Model
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def many(classes: int, each: int, name: str = "Many") -> Dataset:
    """Return a public data set of so many classes, with rows alone; pictures of a class follow each other."""
    count = classes * each
    dataset = Dataset.objects.create(
        name=name, slug=name.lower(), source="x", public=True, revision=1, fingerprint=name,
        report={"images": count, "train_images": count, "train_classes": classes, "test_images": 0, "test_classes": 0},
    )  # fmt: skip
    add_classes(dataset, [f"Species {number}" for number in range(classes)])
    Image.objects.bulk_create(
        (
            Image(dataset=dataset, path=f"{number}.jpg", label=number // each, split="train", sha256=f"{number:064d}",
                  width=8, height=8)
            for number in range(count)
        ),
        batch_size=1000,
    )  # fmt: skip
    return dataset


def shown(client: Client, dataset: Dataset, headers: dict[str, str] | None = None, **query: object) -> list[int]:
    """Return the keys of the pictures that the page shows, in order."""
    answer = client.get(reverse("dataset", args=[dataset.slug]), query, headers=headers)
    assert answer.status_code == 200
    return [int(pk) for pk in re.findall(rf'class="photo" href="/datasets/{dataset.slug}/pictures/(\d+)/"',
                                         answer.content.decode())]  # fmt: skip


def labels(keys: list[int]) -> list[int]:
    known = dict(Image.objects.values_list("pk", "label"))
    return [known[pk] for pk in keys]


def test_one_picture_of_each_class_comes_first_and_then_the_rest(client: Client) -> None:
    dataset = many(classes=70, each=2)
    first, second, third = (shown(client, dataset, page=number) for number in (1, 2, 3))
    assert labels(first) == list(range(60))
    assert labels(second) == [*range(60, 70), *range(50)]
    assert labels(third) == list(range(50, 70))
    assert len({*first, *second, *third}) == 140, "each picture once"


@pytest.mark.parametrize(
    ("order", "pick"),
    [("class", lambda keys: sorted(keys)), ("newest", lambda keys: sorted(keys, reverse=True))],
)
def test_pictures_come_in_the_order_of_the_address(client: Client, order: str, pick: object) -> None:
    dataset = many(classes=3, each=4)
    keys = list(dataset.images.values_list("pk", flat=True))
    assert shown(client, dataset, sort=order) == pick(keys)  # type: ignore[operator]


def test_the_hardest_pictures_are_those_of_the_lowest_precision(client: Client, world: World) -> None:
    best = max(world.models, key=lambda model: model.metrics["map_at_r"])  # type: ignore[index]
    with np.load(best.folder / PER_QUERY) as stored:
        scores = dict(zip(stored["ids"].tolist(), stored["map_at_r"].tolist(), strict=True))
    keys = shown(client, world.dataset, sort="hardest")
    assert set(keys) == set(scores) and [scores[pk] for pk in keys] == sorted(scores.values())
    assert set(shown(client, world.dataset, sort="hardest", split="train")) == set()


def test_without_an_evaluated_model_there_is_no_order_by_difficulty(client: Client, world: World) -> None:
    where = reverse("dataset", args=["wings"])
    assert 'value="hardest"' in client.get(where).content.decode()
    Model.objects.update(published=False)
    assert 'value="hardest"' not in client.get(where).content.decode()
    assert len(shown(client, world.dataset, sort="hardest")) == 48, "as without an order"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("species 7", {7}), ("SPECIES 1", {1}), ("pecies 1", {1, 10, 11, 12}), ("nobody", set()), ("", set(range(13)))],
)
def test_pictures_are_filtered_by_words_of_class_names(client: Client, words: str, wanted: set[int]) -> None:
    dataset = many(classes=13, each=2)
    assert set(labels(shown(client, dataset, **{"class": words}))) == wanted


def test_more_pages_join_the_list_by_scrolling_and_the_address_shows_them_again(client: Client) -> None:
    dataset = many(classes=400, each=1)
    part = shown(client, dataset, page=1, through=3, headers={"HX-Request": "true", "HX-Target": "picture-pages"})
    assert labels(part) == list(range(120, 180)), "the last page alone"
    assert labels(shown(client, dataset, page=1, through=3)) == list(range(180))
    assert labels(shown(client, dataset, page=2, through=99)) == list(range(60, 300)), "four pages at most"
    where = reverse("dataset", args=[dataset.slug])
    grown = client.get(where, {"page": 1, "through": 4}).content.decode()
    assert "revealed" in client.get(where).content.decode() and "revealed" not in grown
    assert 'href="?page=5#pictures-title"' in grown
    answer = client.get(where)
    assert "HX-Target" in answer["Vary"]


def test_links_keep_order_and_filter(client: Client) -> None:
    dataset = many(classes=2, each=100)
    text = client.get(
        reverse("dataset", args=[dataset.slug]), {"sort": "newest", "class": "species 1", "split": "train"}
    ).content.decode()
    assert "?sort=newest&amp;class=species+1&amp;split=train&amp;page=2#pictures-title" in text


def test_class_names_are_suggested_and_few(client: Client) -> None:
    dataset = many(classes=200, each=1)
    where = reverse("class-suggestions", args=[dataset.slug])
    assert client.get(where, {"class": "species 17"}).content.decode().count("<option") == 12
    assert client.get(where, {"class": "species"}).content.decode().count("<option") == 20
    assert client.get(where).content.decode().count("<option") == 0
    Dataset.objects.update(public=False)
    assert client.get(where, {"class": "s"}).status_code == 404


def test_a_picture_has_a_page_with_its_neighbours_in_the_class(client: Client, world: World) -> None:
    first, second, third = world.test_images[:3]
    text = client.get(reverse("dataset-picture", args=["wings", second.pk])).content.decode()
    for other in (first, third):
        assert reverse("dataset-picture", args=["wings", other.pk]) in text
    assert "2 of 6" in text and reverse("picture", args=[second.pk]) in text
    assert reverse("try", args=[second.pk]) in text, "a visitor can search with it"


def test_a_hidden_or_private_picture_has_no_page(client: Client, curator_client: Client, world: World) -> None:
    image = world.test_images[0]
    where = reverse("dataset-picture", args=["wings", image.pk])
    Image.objects.filter(pk=image.pk).update(hidden=True)
    assert client.get(where).status_code == 404
    assert "Hidden" in curator_client.get(where).content.decode()
    Image.objects.update(hidden=False)
    assert client.get(where).status_code == 200
    assert client.get(reverse("dataset-picture", args=["other", image.pk])).status_code == 404
    Dataset.objects.update(public=False)
    assert client.get(where).status_code == 404


def test_the_list_shows_pictures_counts_and_models(client: Client, world: World) -> None:
    text = client.get(reverse("datasets")).content.decode()
    assert text.count("/thumbnail") == 4 and "48 pictures" in text and "2 models search it" in text
    Model.objects.filter(pk=world.models[0].pk).update(published=False)
    assert world.models[1].name in client.get(reverse("datasets")).content.decode()
    Image.objects.filter(label__gt=0).delete()
    assert client.get(reverse("datasets")).content.decode().count("/thumbnail") == 1


@pytest.mark.parametrize("name", ["dataset", "dataset-picture", "class", "datasets", "dataset-class-list", "try"])
def test_a_link_to_a_page_is_shown_with_title_and_words(client: Client, world: World, name: str) -> None:
    args = {
        "datasets": [],
        "try": [world.test_images[0].pk],
        "dataset-picture": ["wings", world.test_images[0].pk],
        "class": ["wings", 5],
    }
    where = reverse(name, args=args.get(name, ["wings"]))
    text = client.get(where).content.decode()
    for part in ("og:title", "og:description", "og:url"):
        assert re.search(rf'property="{part}" content="[^"]{{4,}}"', text), part
    described = re.search(r'name="description" content="([^"]+)"', text)
    assert described and "Kindred finds look-alikes" not in described[1], "its own, not the site's"
    if name in ("dataset", "dataset-picture", "class", "try"):
        assert re.search(r'property="og:image" content="http://testserver/pictures/\d+/thumbnail"', text)


def test_a_program_is_told_addresses_that_answer(client: Client, world: World) -> None:
    text = client.get(reverse("dataset", args=["wings"])).content.decode()
    found = re.findall(r"http://testserver(/api/v1/datasets/\d+/\w+/[?\w=]*)", text)
    assert len(found) == 2
    for where in found:
        assert json.loads(client.get(where).content)["results"]


def test_a_large_data_set_has_small_pages(client: Client, django_assert_max_num_queries: object) -> None:
    dataset = many(classes=5000, each=1, name="Large")
    for query in ("", "?sort=newest", "?class=species", "?page=40"):
        with django_assert_max_num_queries(10):  # type: ignore[operator]
            answer = client.get(reverse("dataset", args=[dataset.slug]) + query)
        assert answer.status_code == 200 and len(answer.content) < 60_000
