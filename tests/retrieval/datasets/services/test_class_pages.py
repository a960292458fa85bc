import pytest
from pytest_django import DjangoAssertNumQueries

from retrieval.datasets.services.class_pages import class_page
from retrieval.datasets.services.classes import add_classes
from retrieval.models import Dataset, Image
from tests.retrieval.world import World

pytestmark = pytest.mark.services


def test_each_class_has_its_count_and_a_sample(world: World) -> None:
    page = class_page(world.dataset)
    assert [row["name"] for row in page] == world.dataset.class_names
    assert [row["images"] for row in page] == [6] * 8 and sum(row["held_out"] for row in page) == 24
    for row in page:
        assert Image.objects.get(pk=row["sample"]).label == row["label"]


def test_classes_are_found_by_any_words_of_their_names(world: World) -> None:
    name = world.dataset.class_names[3]
    found = class_page(world.dataset, f"  {name.upper()} ")
    assert [row["label"] for row in found] == [3]
    assert list(class_page(world.dataset, "no such class")) == []


def test_hidden_pictures_are_neither_counted_nor_shown(world: World) -> None:
    first = class_page(world.dataset)[0]
    Image.objects.filter(pk=first["sample"]).update(hidden=True)
    now = class_page(world.dataset)[0]
    assert now["images"] == 5 and now["sample"] != first["sample"]
    Image.objects.filter(label=0).update(hidden=True)
    assert [row["label"] for row in class_page(world.dataset)] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(("number", "given"), [("2", 2), ("999", 50), ("no", 1), (None, 1)])
def test_many_classes_come_a_page_at_a_time(
    db: None, django_assert_num_queries: DjangoAssertNumQueries, number: str | None, given: int
) -> None:
    dataset = Dataset.objects.create(name="Many", slug="many", source="x")
    add_classes(dataset, [f"c{n}" for n in range(1200)])
    Image.objects.bulk_create(
        Image(dataset=dataset, path=f"{n}.jpg", label=n, split="train", width=1, height=1) for n in range(1200)
    )
    with django_assert_num_queries(4):
        page = class_page(dataset, "c", number)
    assert page.number == given and len(page) == 24 and page.paginator.num_pages == 50
