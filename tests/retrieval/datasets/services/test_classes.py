import pytest
from pytest_django import DjangoAssertNumQueries

from retrieval.datasets.services import curating
from retrieval.datasets.services.classes import (
    add_classes,
    class_counts,
    class_page,
    class_totals,
    find_class,
    labels_named,
    name_of,
    names_by_label,
    names_of,
)
from retrieval.models import Dataset, Image
from tests.retrieval.world import World

pytestmark = pytest.mark.services


def test_labels_go_on_where_they_ended(db: None) -> None:
    dataset = Dataset.objects.create(name="Birds", slug="birds", source="x")
    assert add_classes(dataset, ["jay", "owl"]) == 0 and add_classes(dataset, ["wren"]) == 2
    assert dataset.class_names == ["jay", "owl", "wren"] and name_of(dataset, 2) == "wren"
    assert names_by_label(dataset) == {0: "jay", 1: "owl", 2: "wren"} and names_by_label(dataset, [1]) == {1: "owl"}


def test_the_name_of_a_merged_class_is_free_and_its_label_is_not(world: World) -> None:
    names = world.dataset.class_names
    curating.merge_classes(world.dataset, 4, names[5], by=None)
    assert find_class(world.dataset, names[4]) is None
    moving = [world.test_images[-1].pk]
    curating.relabel(world.dataset, moving, names[4], new=True, split="test", by=None)
    assert world.dataset.class_names == [*names, names[4]] and find_class(world.dataset, names[4]) == 8
    assert labels_named([world.dataset], names[4].upper()) == {world.dataset.pk: [4, 8]}


def test_names_of_several_sets_come_with_one_query(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    birds, moths, empty = (
        Dataset.objects.create(name=name, slug=name, source="x") for name in ("birds", "moths", "empty")
    )
    add_classes(birds, ["jay", "owl", "Ähre"])
    add_classes(moths, ["atlas", "OWL"])
    with django_assert_num_queries(1):
        found = names_of([(birds.pk, 1), (moths.pk, 0), (moths.pk, 7)])
    assert found[birds.pk, 1] == "owl" and found[moths.pk, 0] == "atlas" and (moths.pk, 7) not in found
    with django_assert_num_queries(1):
        assert class_totals([birds, moths, empty]) == {birds.pk: 3, moths.pk: 2}
    with django_assert_num_queries(1):
        assert labels_named([birds, moths], " owl") == {birds.pk: [1], moths.pk: [1]}
    assert labels_named([birds], "ähre") == {birds.pk: [2]} and labels_named([birds], "OW") == {}


def test_class_counts_follow_the_labels(world: World) -> None:
    counts = class_counts(world.dataset)
    assert [row.name for row in counts] == world.dataset.class_names
    assert {row.images for row in counts} == {6} and [row.held_out for row in counts] == [0] * 4 + [6] * 4


def test_each_class_has_its_count_and_a_sample(world: World) -> None:
    page = class_page(world.dataset)
    assert [row.name for row in page] == world.dataset.class_names
    assert [row.images for row in page] == [6] * 8 and sum(row.held_out for row in page) == 24
    for row in page:
        assert Image.objects.get(pk=row.sample).label == row.label


def test_classes_are_found_by_any_words_of_their_names(world: World) -> None:
    name = world.dataset.class_names[3]
    found = class_page(world.dataset, f"  {name.upper()} ")
    assert [row.label for row in found] == [3]
    assert list(class_page(world.dataset, "no such class")) == []


def test_hidden_pictures_are_neither_counted_nor_shown(world: World) -> None:
    first = class_page(world.dataset)[0]
    Image.objects.filter(pk=first.sample).update(hidden=True)
    now = class_page(world.dataset)[0]
    assert now.images == 5 and now.sample != first.sample
    Image.objects.filter(label=0).update(hidden=True)
    assert [row.label for row in class_page(world.dataset)] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(("number", "given"), [("2", 2), ("999", 50), ("no", 1), (None, 1)])
def test_many_classes_come_a_page_at_a_time(
    db: None, django_assert_num_queries: DjangoAssertNumQueries, number: str | None, given: int
) -> None:
    dataset = Dataset.objects.create(name="Many", slug="many", source="x")
    add_classes(dataset, [f"c{n}" for n in range(1200)])
    Image.objects.bulk_create(
        Image(dataset=dataset, path=f"{n}.jpg", label=n, split="train", width=1, height=1) for n in range(1200)
    )
    with django_assert_num_queries(3):
        page = class_page(dataset, "c", number)
    assert page.number == given and len(page) == 24 and page.paginator.num_pages == 50
