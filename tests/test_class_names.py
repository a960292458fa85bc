"""What shows class names asks for those it shows, at once: no query a picture, and never all names of a data set.

Here the data set has 2,000 more classes than pictures show.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_init
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from retrieval.datasets.services.classes import add_classes
from retrieval.models import Dataset, DatasetClass, Image, Search
from retrieval.pages.services.maps import submit_map
from retrieval.search.services.marks import mark
from tests.conftest import signed_in
from tests.ratings.services.test_ballots import rated
from tests.retrieval.world import World, done

pytestmark = pytest.mark.django_db

UNUSED = 2000
LOOKUP = re.compile(r'FROM "retrieval_(dataset|datasetclass)" ')
SOME_LABELS = re.compile(r'"label" (=|IN) ')
AT_MOST = 3
"""How often one and the same question about classes or data sets may come on a page, for different parts of it."""


@dataclass
class Read:
    """What a stretch of code has read: its queries, and how many classes as objects."""

    queries: list[str]
    classes: int = 0

    def of_classes(self) -> list[str]:
        of_rows = re.compile(r'FROM "retrieval_datasetclass"(?! U0)')  # U0 is in a count of them
        return [sql for sql in self.queries if of_rows.search(sql)]

    def repeated(self) -> dict[str, int]:
        """Return the questions about classes and data sets that came more often than `AT_MOST`, whatever the keys."""
        asked = Counter(re.sub(r"\d+", "N", sql) for sql in self.queries if LOOKUP.search(sql))
        return {sql: count for sql, count in asked.items() if count > AT_MOST}


@contextmanager
def reading() -> Iterator[Read]:
    """Note what the block reads."""
    read = Read([])

    def count(**_: Any) -> None:
        read.classes += 1

    post_init.connect(count, sender=DatasetClass)
    try:
        with CaptureQueriesContext(connection) as captured:
            yield read
    finally:
        post_init.disconnect(count, sender=DatasetClass)
    read.queries = [query["sql"] for query in captured]


@dataclass(frozen=True)
class Scene:
    """A site with two thousand classes more than are shown, on which a curator has searched, marked and voted."""

    world: World
    search: Search
    ballot: str

    @property
    def slug(self) -> str:
        return self.world.dataset.slug


@pytest.fixture
def scene(world: World, curator: User) -> Scene:
    add_classes(world.dataset, [f"unused {number}" for number in range(UNUSED)])
    pictures = world.test_images
    for number in range(6):
        search = world.ask(curator, image=pictures[number], k=12)
        search.name, search.share_token = f"search {number}", f"token{number}"
        search.save()
    for ranking in search.rankings.all():
        for image in ranking.image_ids[:6]:
            mark(curator, ranking, image, 1)
    ballots = [rated(curator) for _ in range(6)]
    return Scene(world, search, str(ballots[0].pk))


Address = Callable[[Scene], str]
PAGES: dict[str, tuple[Address, int]] = {
    "search form": (lambda scene: "/", 15),
    "class choices": (lambda scene: f"/searches/classes?datasets={scene.world.dataset.pk}", 4),
    "search": (lambda scene: f"/searches/{scene.search.pk}/", 19),
    "shared search": (lambda scene: f"/shared/{scene.search.share_token}/", 15),
    "results as CSV": (lambda scene: f"/searches/{scene.search.pk}/results/csv", 10),
    "results as JSON": (lambda scene: f"/searches/{scene.search.pk}/results/json", 15),
    "searches": (lambda scene: "/searches/", 13),
    "saved searches": (lambda scene: "/searches/saved/", 13),
    "data set": (lambda scene: f"/datasets/{scene.slug}/", 12),
    "hardest pictures": (lambda scene: f"/datasets/{scene.slug}/?sort=hardest", 12),
    "picture": (lambda scene: f"/datasets/{scene.slug}/pictures/{scene.world.test_images[0].pk}/", 11),
    "classes": (lambda scene: f"/datasets/{scene.slug}/classes/", 9),
    "class": (lambda scene: f"/datasets/{scene.slug}/classes/1/", 26),
    "ballot": (lambda scene: "/rate/", 26),
    "ballot that was cast": (lambda scene: f"/rate/{scene.ballot}/", 20),
    "own marks": (lambda scene: "/me/ratings/", 13),
    "own ratings": (lambda scene: "/me/ratings/blind/", 15),
    "marks of all": (lambda scene: f"/downloads/ratings/{scene.slug}/marks.csv", 5),
    "ratings of all": (lambda scene: f"/downloads/ratings/{scene.slug}/ratings.csv", 5),
    "API: pictures": (lambda scene: "/api/v1/images/?limit=48", 6),
    "API: pictures of a data set": (lambda scene: f"/api/v1/datasets/{scene.world.dataset.pk}/images/?limit=48", 7),
    "API: searches": (lambda scene: "/api/v1/searches/", 9),
    "API: search": (lambda scene: f"/api/v1/searches/{scene.search.pk}/", 9),
    "API: what it is": (lambda scene: f"/api/v1/searches/{scene.search.pk}/prediction/", 11),
}
"""Address and most queries of what shows some names."""

WHOLE: dict[str, tuple[Address, int]] = {
    "data sets, with counts": (lambda scene: "/datasets/", 9),
    "pictures by a class's name": (lambda scene: f"/datasets/{scene.slug}/?class=a", 13),
    "suggested classes": (lambda scene: f"/datasets/{scene.slug}/classes/suggestions?class=unused", 6),
    "classes by words": (lambda scene: f"/datasets/{scene.slug}/classes/?q=a", 8),
    "class choices by words": (lambda scene: f"/searches/classes?datasets={scene.world.dataset.pk}&class_name=a", 5),
    "pictures to curate": (lambda scene: f"/lab/datasets/{scene.slug}/pictures/?class=a", 10),
    "classes to curate": (lambda scene: f"/lab/datasets/{scene.slug}/classes/", 9),
    "class to curate": (lambda scene: f"/lab/datasets/{scene.slug}/classes/1/", 12),
    "model": (lambda scene: f"/lab/models/{scene.world.models[0].pk}/", 11),
    "API: data sets": (lambda scene: "/api/v1/datasets/", 5),
    "API: data set": (lambda scene: f"/api/v1/datasets/{scene.world.dataset.pk}/", 5),
    "API: classes": (lambda scene: f"/api/v1/datasets/{scene.world.dataset.pk}/classes/", 6),
    "API: pictures by a class's name": (lambda scene: "/api/v1/images/?class_name=unused+7", 6),
}
"""Address and most queries of what shows all names, or looks for one among them."""


@pytest.mark.parametrize("name", [*PAGES, *WHOLE])
def test_a_page_costs_no_query_a_row_and_reads_the_names_it_shows(
    scene: Scene, curator: User, django_assert_max_num_queries: DjangoAssertNumQueries, name: str
) -> None:
    address, most = (PAGES | WHOLE)[name]
    client = signed_in(curator)
    with reading() as read:
        assert client.get(address(scene)).status_code == 200
    if name in PAGES:  # what shows some names reads no others
        assert read.classes <= Image.objects.count()
        assert all(SOME_LABELS.search(sql) for sql in read.of_classes()), read.of_classes()
    with reading() as read, django_assert_max_num_queries(most):  # the first has looked up the site and content types
        client.get(address(scene))
    assert not read.repeated()


def test_the_front_page_counts_classes_and_reads_the_names_of_its_samples(scene: Scene) -> None:
    with reading() as read:
        text = Client().get("/").content.decode()
    assert f"{UNUSED + 8} classes" in text
    assert read.classes <= 30 and not read.of_classes() and not read.repeated()


def test_a_map_names_the_classes_of_its_misses_and_of_its_points(scene: Scene, curator: User) -> None:
    index = scene.world.index_of(scene.world.models[0])
    done(submit_map(index, by=None))
    client, where = signed_in(curator), f"/datasets/{scene.slug}/map/"
    for address in (where, f"{where}{index.pk}/points"):
        with reading() as read:
            assert client.get(address).status_code == 200
        assert len(read.of_classes()) <= 1 and not read.repeated()


def test_pictures_of_many_classes_are_read_with_their_own_names_alone(db: None) -> None:
    dataset = Dataset.objects.create(name="Many", slug="many", source="x", history=[{"what": "imported"}])
    add_classes(dataset, [f"class {number}" for number in range(UNUSED)])
    Image.objects.bulk_create(
        Image(dataset=dataset, path=f"{number}.jpg", label=number, split="test", width=1, height=1)
        for number in range(200)
    )
    with reading() as read:
        images = list(Image.objects.named())
        names = [image.class_name for image in images]
        folders = {image.dataset.folder for image in images}
    assert names == [f"class {number}" for number in range(200)] and folders == {dataset.folder}
    assert len(read.queries) == 2 and read.classes == 200
    joined, sets = read.queries
    assert '"name"' in joined and "history" not in joined and 'FROM "retrieval_dataset"' in sets


def test_a_picture_of_a_class_that_is_not_there_stays_in_lists_and_has_no_name(db: None) -> None:
    dataset = Dataset.objects.create(name="Many", slug="many", source="x")
    Image.objects.create(dataset=dataset, path="1.jpg", label=3, split="test", width=1, height=1)
    for images in (Image.objects.all(), Image.objects.named()):
        [image] = images
        with pytest.raises(DatasetClass.DoesNotExist):
            _ = image.class_name
