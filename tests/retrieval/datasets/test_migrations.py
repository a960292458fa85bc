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
