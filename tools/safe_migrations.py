"""Which migrations break a site where the release before still runs, and why.

During a rolling upgrade hosts of both releases use one database. `unsafe` names each operation of a migration after
which the older code fails or does harm. A migration that knows better says so, with the name that `unsafe` gives:

    class Migration(migrations.Migration):
        safe = {"remove_job_phase": "0.2.0 neither reads nor writes the column: no field of its model has it"}
"""

from collections.abc import Collection, Iterable, Iterator

from django.db.migrations import Migration, RunPython, operations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.migrations.utils import resolve_relation
from django.db.models import NOT_PROVIDED, Field, ForeignKey, ManyToManyField

Key = tuple[str, str]
"""Of a migration: app and name. Of a model: app and name in small letters."""

FEWEST_WORDS = 5  # of a reason
HARMLESS = (
    operations.AddIndex,
    operations.RemoveIndex,
    operations.RenameIndex,
    operations.AlterModelOptions,
    operations.AlterModelManagers,
    operations.AlterModelTableComment,
)
HARMFUL: dict[type[Operation], str] = {
    operations.RemoveField: "the release before still reads and writes the column",
    operations.DeleteModel: "the release before still reads and writes the table",
    operations.RenameField: "the release before uses the old name of the column",
    operations.RenameModel: "the release before uses the old name of the table",
    operations.AlterModelTable: "the release before uses the old name of the table",
    operations.AddConstraint: "rows of the release before, and rows that it still writes, may violate it",
    operations.RemoveConstraint: "the release before relies on it",
    operations.RunSQL: "nobody can tell from here what its SQL does",
}


def unsafe(plan: Iterable[Migration], released: Collection[Key], apps: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each unsafe operation of these apps' migrations that are not yet `released`.

    plan: every migration in its order, beginning with an empty database.
    """
    state = ProjectState()
    fresh = set[Key]()
    for migration in plan:
        is_judged = migration.app_label in apps and (migration.app_label, migration.name) not in released
        yield from _unsafe_in(migration, state, fresh) if is_judged else ()
        state = migration.mutate_state(state)
        if is_judged:
            fresh |= _created_by(migration)


def _created_by(migration: Migration) -> set[Key]:
    """Return the models of which the release before knows nothing, because the migration creates their tables."""
    created = (operation for operation in _of_database(migration.operations))
    return {(migration.app_label, one.name_lower) for one in created if isinstance(one, operations.CreateModel)}


def _of_database(listed: Iterable[Operation]) -> Iterator[Operation]:
    """Yield the operations that change the database."""
    for operation in listed:
        if isinstance(operation, operations.SeparateDatabaseAndState):
            yield from _of_database(operation.database_operations)
        else:
            yield operation


def _unsafe_in(migration: Migration, before: ProjectState, fresh: Collection[Key]) -> Iterator[str]:
    state, fresh = before.clone(), {*fresh, *_created_by(migration)}
    reasons: dict[str, str] = dict(getattr(migration, "safe", {}))
    named = f"{migration.app_label}.{migration.name}"
    for operation in migration.operations:
        for part in _of_database([operation]):
            harm, name = _harm_of(part, migration.app_label, state, fresh), _name_of(part)
            reason = reasons.pop(name, None) if harm else None
            if harm and (reason is None or len(reason.split()) < FEWEST_WORDS):
                yield (
                    f"{named}: {name}: {harm}. Do it one release later, or write in the migration why it is safe: "
                    f'safe = {{"{name}": "because ..."}}'
                )
        operation.state_forwards(migration.app_label, state)
    yield from (f"{named}: safe names {name}, which needs no reason: remove it" for name in reasons)


def _name_of(operation: Operation) -> str:
    """Return what Django calls an operation in names of migrations; of RunPython the name of its function."""
    if isinstance(operation, RunPython):
        return str(getattr(operation.code, "__name__", "RunPython"))
    return str(operation.migration_name_fragment or type(operation).__name__)


def _harm_of(operation: Operation, app: str, state: ProjectState, fresh: Collection[Key]) -> str:
    """Return what an operation does to the release before; empty where it does nothing."""
    model = _model_of(operation, app)
    if isinstance(operation, operations.CreateModel):
        harms = (_harm_of_link(name, field, model, fresh) for name, field in operation.fields)
        return next(filter(None, harms), "")
    if isinstance(operation, operations.AddField):
        harm = _harm_of_new(operation.field) if model not in fresh else ""
        return harm or _harm_of_link(operation.name, operation.field, model, fresh)
    if isinstance(operation, HARMLESS) or model in fresh:
        return ""
    if isinstance(operation, operations.AlterField):
        old = state.models[model].fields[operation.name]
        return _harm_of_change(operation.name, old, operation.field)
    if isinstance(operation, RunPython):
        return "" if operation.reversible else "it cannot be reversed, so nobody can go back"
    known = (harm for kind, harm in HARMFUL.items() if isinstance(operation, kind))
    return next(known, "nobody has judged operations of this kind yet (tools/safe_migrations.py)")


def _model_of(operation: Operation, app: str) -> Key:
    """Return the model that an operation changes; no name where it changes none."""
    names = (getattr(operation, attribute, "") for attribute in ("model_name", "old_name", "name"))
    return app, next(filter(None, names), "").lower()


def _harm_of_new(field: "Field[object, object]") -> str:
    if field.many_to_many or field.generated:
        return ""
    if not field.null and field.db_default is NOT_PROVIDED:
        return "rows that the release before writes lack the column: give it db_default, or null=True"
    return "two rows that the release before writes get the same value" if field.unique and not field.null else ""


def _harm_of_link(name: str, field: "Field[object, object]", model: Key, fresh: Collection[Key]) -> str:
    """Return what a foreign key does to a release that deletes what it names, and knows nothing of it."""
    if not isinstance(field, ForeignKey | ManyToManyField) or not getattr(field, "db_constraint", True):
        return ""
    named = {resolve_relation(field.remote_field.model, *model)} | ({model} if field.many_to_many else set())
    old = sorted(".".join(one) for one in named if one not in fresh)
    if not old:
        return ""
    return (
        f"the release before cannot delete a row of {' or '.join(old)} that {name} names, since Django deletes or "
        "empties such rows in Python: set db_constraint=False until the next release"
    )


def _harm_of_change(name: str, old: "Field[object, object]", new: "Field[object, object]") -> str:
    """Return what a change of a field does, unless it only widens it or does not reach the database."""
    (_, old_path, _, before), (_, new_path, _, after) = old.deconstruct(), new.deconstruct()
    aside = {*new.non_db_attrs, "default", "auto_now", "auto_now_add", "db_index"}
    changes = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} - aside
    if before.get("max_length", 0) < (after.get("max_length") or float("inf")):
        changes.discard("max_length")
    if "db_default" not in before:
        changes.discard("db_default")
    if old_path != new_path or before.get("db_column") != after.get("db_column"):
        changes.add("type or column")
    return f"the release before reads and writes {name} with another {', '.join(sorted(changes))}" if changes else ""
