"""Class names move into their table and back, in a database of its own."""

import pytest
from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests.migrating import migrated

pytestmark = pytest.mark.services
TABLE = "dataset_classes"
NAMES = {
    "birds": ["Großer Brachvogel", "Wren", "Wren", "", "x" * 500],  # merged ones share a name, imported ones are long
    "many": [f"class {number}" for number in range(2500)],
    "waiting": [],
}


def with_classes(*, lists: bool) -> Apps:
    """Bring the database to the migration that makes the table, or to the one before; return the models of then."""
    graph = MigrationLoader(connection).graph
    [table] = (key for key in graph.nodes if key[0] == "retrieval" and key[1].endswith(f"_{TABLE}"))
    [before] = (node.key for node in graph.node_map[table].parents if node.key[0] == "retrieval")
    return migrated(*(before if lists else table))


def test_lists_of_class_names_become_rows_and_lists_again(empty_database: None) -> None:
    old = with_classes(lists=True).get_model("retrieval", "Dataset").objects
    for slug, names in NAMES.items():
        old.create(name=slug, slug=slug, source="x", classes=names)
    new = with_classes(lists=False)
    for dataset in new.get_model("retrieval", "Dataset").objects.all():
        rows = list(dataset.classes.values_list("label", "name"))
        assert rows == list(enumerate(NAMES[dataset.slug]))
    birds = new.get_model("retrieval", "Dataset").objects.get(slug="birds")
    image = new.get_model("retrieval", "Image").objects
    image.create(dataset=birds, path="1.jpg", label=2, split="train", width=1, height=1)
    assert image.values_list("dataset_class__name", flat=True).get() == "Wren"
    birds.classes.filter(label=0).update(name="Curlew")
    back = with_classes(lists=True).get_model("retrieval", "Dataset").objects
    assert {row.slug: row.classes for row in back.all()} == NAMES | {"birds": ["Curlew", *NAMES["birds"][1:]]}
    again = with_classes(lists=False).get_model("retrieval", "DatasetClass").objects
    assert again.count() == sum(map(len, NAMES.values()))


def test_pictures_of_before_count_as_unchanged_and_keep_what_they_were(empty_database: None) -> None:
    """Indexes of before have no codes: what searches know of their pictures comes from the rows, whatever the marks."""
    old = migrated("retrieval", "0017_contrastive_power")
    dataset = old.get_model("retrieval", "Dataset").objects.create(name="Birds", slug="birds", source="x", revision=4)
    old.get_model("retrieval", "DatasetClass").objects.create(dataset=dataset, label=0, name="Wren")
    images = old.get_model("retrieval", "Image").objects
    for number in range(3):
        images.create(
            dataset=dataset, path=f"{number}.jpg", label=0, split="train", width=1, height=1, hidden=number == 1
        )
    new = migrated("retrieval", "0018_changed_pictures")
    rows = new.get_model("retrieval", "Image").objects.order_by("pk").values_list("path", "hidden", "changed_revision")
    assert list(rows) == [("0.jpg", False, 0), ("1.jpg", True, 0), ("2.jpg", False, 0)]
    assert not new.get_model("retrieval", "DeletedImage").objects.exists()
    back = migrated("retrieval", "0017_contrastive_power").get_model("retrieval", "Image").objects
    assert list(back.order_by("pk").values_list("hidden", flat=True)) == [False, True, False]
