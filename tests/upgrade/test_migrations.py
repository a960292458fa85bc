"""Migrations since the latest release are safe while that release runs, and those before stay as they were released."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation

from tests.fixtures.sources import APPS, ROOT, latest_release, migrations_of
from tools.safe_migrations import Key, unsafe

RELEASED = dict(migrations_of(latest_release()))
KEYS = {(Path(path).parts[0], Path(path).stem) for path in RELEASED}
REASON = "0.2.0 has no field that reads it"


def plan() -> list[migrations.Migration]:
    executor = MigrationExecutor(connection)
    return [one for one, _ in executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)]


@pytest.mark.django_db
def test_new_migrations_are_safe_while_the_release_before_runs() -> None:
    assert not list(unsafe(plan(), KEYS, APPS))


@pytest.mark.parametrize("path", sorted(RELEASED))
def test_a_released_migration_does_not_change(path: str) -> None:
    assert (ROOT / path).read_bytes() == RELEASED[path]


FIELDS: list[tuple[str, "models.Field[Any, Any]"]] = [
    ("id", models.BigAutoField(primary_key=True)),
    ("name", models.CharField(max_length=20)),
    ("note", models.TextField(null=True)),
]
OWNED = ("owner", models.ForeignKey("lab.owner", models.CASCADE))


def migration(name: str, *operations: Operation, **attributes: Any) -> migrations.Migration:
    kind = type("Migration", (migrations.Migration,), {"operations": list(operations), **attributes})
    return kind(name, "lab")  # type: ignore[no-any-return]


def complaints(*operations: Operation, **attributes: Any) -> list[str]:
    """Return what is said of a migration after a release that has a model and one that it belongs to."""
    owner = migrations.CreateModel("Owner", FIELDS[:1])
    first = migration("0001_initial", owner, migrations.CreateModel("Run", [*FIELDS, OWNED]))
    released: set[Key] = {("lab", "0001_initial")}
    return list(unsafe([first, migration("0002_next", *operations, **attributes)], released, ["lab"]))


def nothing(*_: object) -> None:
    """Change no row."""


SAFE: dict[str, list[Operation]] = {
    "a new table": [migrations.CreateModel("New", FIELDS)],
    "whatever is done to a new table": [
        migrations.CreateModel("New", FIELDS),
        migrations.AddField("new", "more", models.IntegerField(default=0)),
        migrations.AddConstraint("new", models.UniqueConstraint(fields=["name"], name="one_name")),
        migrations.RemoveField("new", "note"),
        migrations.DeleteModel("New"),
    ],
    "a column that may be null": [migrations.AddField("run", "more", models.IntegerField(null=True))],
    "a column with a default of the database": [
        migrations.AddField("run", "more", models.IntegerField(default=0, db_default=0))
    ],
    "a link to a new table": [
        migrations.CreateModel("New", FIELDS),
        migrations.AddField("run", "new", models.ForeignKey("lab.new", models.SET_NULL, null=True)),
    ],
    "a link that the database does not hold": [
        migrations.AddField("run", "o", models.ForeignKey("lab.owner", models.CASCADE, null=True, db_constraint=False))
    ],
    "an index": [migrations.AddIndex("run", models.Index(fields=["name"], name="by_name"))],
    "a longer text": [migrations.AlterField("run", "name", models.CharField(max_length=30))],
    "a default of the database": [migrations.AlterField("run", "name", models.CharField(max_length=20, db_default=""))],
    "a help text": [migrations.AlterField("run", "name", models.CharField(max_length=20, help_text="Of the run."))],
    "rows changed there and back": [migrations.RunPython(nothing, nothing)],
    "what only the code knows": [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("run", "note")])
    ],
}
UNSAFE: dict[str, Operation] = {
    "remove_run_note": migrations.RemoveField("run", "note"),
    "delete_run": migrations.DeleteModel("Run"),
    "rename_note_run_remark": migrations.RenameField("run", "note", "remark"),
    "rename_run_attempt": migrations.RenameModel("Run", "Attempt"),
    "alter_run_table": migrations.AlterModelTable("run", "attempts"),
    "run_more": migrations.AddField("run", "more", models.IntegerField(default=0)),
    "run_token": migrations.AddField("run", "token", models.CharField(db_default="", max_length=9, unique=True)),
    "run_rival": migrations.AddField("run", "rival", models.ForeignKey("lab.owner", models.CASCADE, null=True)),
    "run_rivals": migrations.AddField("run", "rivals", models.ManyToManyField("lab.owner")),
    "new": migrations.CreateModel("New", [*FIELDS, OWNED]),
    "run_one_name": migrations.AddConstraint("run", models.UniqueConstraint(fields=["name"], name="one_name")),
    "alter_run_name": migrations.AlterField("run", "name", models.CharField(max_length=19)),
    "alter_run_note": migrations.AlterField("run", "note", models.TextField()),
    "nothing": migrations.RunPython(nothing),
    "RunSQL": migrations.RunSQL("DELETE FROM lab_run", "SELECT 1"),
    "alter_run_unique_together": migrations.AlterUniqueTogether("run", {("name", "note")}),
}
NARROWER: dict[str, "models.Field[Any, Any]"] = {
    "unique": models.CharField(max_length=20, unique=True),
    "null": models.CharField(max_length=20, null=True),
    "type or column": models.IntegerField(),
    "db_column": models.CharField(max_length=20, db_column="title"),
}


@pytest.mark.parametrize("operations", SAFE.values(), ids=SAFE)
def test_what_the_release_before_does_not_notice_is_safe(operations: list[Operation]) -> None:
    assert not complaints(*operations)


@pytest.mark.parametrize("name", UNSAFE)
def test_what_breaks_the_release_before_needs_a_reason(name: str) -> None:
    (complaint,) = complaints(UNSAFE[name])
    assert complaint.startswith(f"lab.0002_next: {name}: ")
    assert not complaints(UNSAFE[name], safe={name: REASON})
    assert complaints(UNSAFE[name], safe={name: "it is fine"}), "too short to be a reason"


@pytest.mark.parametrize("change", NARROWER)
def test_a_field_that_becomes_narrower_is_named_with_what_changes(change: str) -> None:
    (complaint,) = complaints(migrations.AlterField("run", "name", NARROWER[change]))
    assert change in complaint or change == "db_column"


def test_an_operation_hidden_in_another_is_found() -> None:
    hidden = migrations.SeparateDatabaseAndState(database_operations=[UNSAFE["remove_run_note"]])
    assert complaints(hidden)[0].startswith("lab.0002_next: remove_run_note: ")


def test_a_reason_for_nothing_is_found() -> None:
    (complaint,) = complaints(*SAFE["an index"], safe={"run_by_name": REASON})
    assert "remove it" in complaint


def test_migrations_of_libraries_and_of_releases_are_not_judged() -> None:
    released = migration("0001_initial", migrations.CreateModel("Run", FIELDS), UNSAFE["remove_run_note"])
    assert not list(unsafe([released], {("lab", "0001_initial")}, ["lab"]))
    assert not list(unsafe([released, migration("0002_next", UNSAFE["delete_run"])], set(), ["other"]))
