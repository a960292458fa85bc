"""Class names move into their table and back, in a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoDbBlocker

from tests.fixtures.loading import created, named

pytestmark = pytest.mark.services
TABLE = "dataset_classes"
NAMES = {
    "birds": ["Großer Brachvogel", "Wren", "Wren", "", "x" * 500],  # merged ones share a name, imported ones are long
    "many": [f"class {number}" for number in range(2500)],
    "waiting": [],
}


@pytest.fixture
def empty_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path: Path) -> Iterator[None]:
    """Let the connection lead to a database without a table."""
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            with named(str(tmp_path / "old.sqlite3")):
                yield
            return
        name = f"{connection.settings_dict['NAME']}_old"
        with created(name), named(name):
            yield


def migrated(*, lists: bool) -> Apps:
    """Bring the database to the migration that makes the table, or to the one before; return the models of then."""
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    [table] = (key for key in graph.nodes if key[0] == "retrieval" and key[1].endswith(f"_{TABLE}"))
    [before] = (node.key for node in graph.node_map[table].parents if node.key[0] == "retrieval")
    wanted = before if lists else table
    executor.migrate([wanted])
    apps: Apps = executor.loader.project_state([wanted]).apps
    return apps


def test_lists_of_class_names_become_rows_and_lists_again(empty_database: None) -> None:
    old = migrated(lists=True).get_model("retrieval", "Dataset").objects
    for slug, names in NAMES.items():
        old.create(name=slug, slug=slug, source="x", classes=names)
    new = migrated(lists=False)
    for dataset in new.get_model("retrieval", "Dataset").objects.all():
        rows = list(dataset.classes.values_list("label", "name"))
        assert rows == list(enumerate(NAMES[dataset.slug]))
    birds = new.get_model("retrieval", "Dataset").objects.get(slug="birds")
    image = new.get_model("retrieval", "Image").objects
    image.create(dataset=birds, path="1.jpg", label=2, split="train", width=1, height=1)
    assert image.values_list("dataset_class__name", flat=True).get() == "Wren"
    birds.classes.filter(label=0).update(name="Curlew")
    back = migrated(lists=True).get_model("retrieval", "Dataset").objects
    assert {row.slug: row.classes for row in back.all()} == NAMES | {"birds": ["Curlew", *NAMES["birds"][1:]]}
    again = migrated(lists=False).get_model("retrieval", "DatasetClass").objects
    assert again.count() == sum(map(len, NAMES.values()))
