import pytest
from pytest_django import DjangoAssertNumQueries

from retrieval.datasets.services import class_page
from retrieval.models import Dataset, Image
from tests.retrieval.world import World


def test_each_class_has_its_count_and_a_sample(world: World) -> None:
    page = class_page(world.dataset)
    assert [row["name"] for row in page] == world.dataset.classes
    assert [row["images"] for row in page] == [6] * 8 and sum(row["held_out"] for row in page) == 24
    for row in page:
        assert Image.objects.get(pk=row["sample"]).label == row["label"]


def test_classes_are_found_by_any_words_of_their_names(world: World) -> None:
    name = world.dataset.classes[3]
    found = class_page(world.dataset, f"  {name.upper()} ")
    assert [row["label"] for row in found] == [3]
    assert list(class_page(world.dataset, "no such class")) == []


def test_hidden_pictures_are_neither_counted_nor_shown(world: World) -> None:
    first = class_page(world.dataset)[0]
    Image.objects.filter(pk=first["sample"]).update(hidden=True)
    now = class_page(world.dataset)[0]
    assert now["images"] == 5 and now["sample"] != first["sample"]
    Image.objects.filter(label=0).update(hidden=True)
    assert class_page(world.dataset)[0]["sample"] is None


@pytest.mark.parametrize(("number", "given"), [("2", 2), ("999", 236), ("no", 1), (None, 1)])
def test_eleven_thousand_classes_come_a_page_at_a_time(
    db: None, django_assert_num_queries: DjangoAssertNumQueries, number: str | None, given: int
) -> None:
    dataset = Dataset.objects.create(name="Many", slug="many", source="x", classes=[f"c{n}" for n in range(11_318)])
    with django_assert_num_queries(1):
        page = class_page(dataset, "c", number)
    assert page.number == given and len(page) <= 48 and page.paginator.num_pages == 236
