import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import CommandError
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, User
from backups.errors import BackupError
from backups.services import restoring, schema
from backups.services.backing_up import back_up
from backups.services.restoring import restore
from backups.services.site import unfinished_restore
from config.schema import missing_migrations
from jobs import scratch
from jobs.models import Job
from retrieval.models import Dataset, Image, Search, Upload
from tests.backups.sites import files_below, media, put, run, small_site
from tests.conftest import PASSWORD, person

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of the small site, which goes on."""
    small_site()
    back_up(tmp_path / "backup")
    return tmp_path / "backup"


def rows() -> dict[str, list[Any]]:
    """Return every row of the site that a backup holds."""
    models = schema.stored_models(schema.models_at(schema.applied_migrations()))
    return {row._meta.label: list(row._base_manager.order_by("pk").values()) for row in models}


def cleared() -> None:
    for kind in (Search, Dataset, Job, AuditEntry, User):
        kind._default_manager.all().delete()
    shutil.rmtree(settings.MEDIA_ROOT)


def test_rows_and_files_come_back_as_they_were(backup: Path) -> None:
    before, files = rows(), {path: data for path, data in files_below(backup).items() if path.startswith("media/")}
    cleared()
    assert "Restored" in run("restore", backup)
    assert rows() == before and User.objects.get().check_password(PASSWORD)
    assert {f"media/{path}": data for path, data in files_below(media("")).items()} == files
    assert "No fault" in run("verify") and not unfinished_restore()
    assert not media(".restore").exists()


@pytest.mark.parametrize("left", ["people", "data sets", "files"])
def test_a_site_with_data_is_left_alone_unless_forced(backup: Path, left: str) -> None:
    cleared()
    if left == "people":
        person("otto", "member")
    elif left == "data sets":
        Dataset.objects.create(name="Other", slug="other", source="wings")
    else:
        put(media("datasets/9-other/x"))
    before = rows(), files_below(Path(settings.VAR_DIR))
    with pytest.raises(CommandError, match="--force"):
        run("restore", backup)
    assert (rows(), files_below(Path(settings.VAR_DIR))) == before


def test_a_forced_restore_replaces_everything(backup: Path) -> None:
    before = rows()
    person("otto", "member")
    put(media("runs/5/model.json"))
    put(Path(settings.WEIGHTS_DIR) / "other")
    put(scratch.folder_of(1, 1) / "checkpoint")
    run("restore", backup, "--force")
    assert rows() == before and not media("runs").exists() and not scratch.root().exists()
    assert [file.name for file in Path(settings.WEIGHTS_DIR).iterdir()] == ["small.safetensors"]


def test_a_running_site_is_not_replaced(backup: Path) -> None:
    Job.objects.update(state="running", attempt=1, tries=1, heartbeat_at=timezone.now())
    with pytest.raises(CommandError, match="is running"):
        run("restore", backup, "--force")


def test_running_jobs_of_the_backup_are_queued_again_and_lose_no_try(tmp_path: Path) -> None:
    small_site()
    now = timezone.now()
    running = {"state": "running", "attempt": 2, "tries": 1, "heartbeat_at": now, "sent_at": now, "max_attempts": 1}
    job, cancelled = (Job.objects.create(kind="train", cancel_asked=asked, **running) for asked in (False, True))
    back_up(tmp_path / "b")
    Job.objects.all().delete()
    run("restore", tmp_path / "b", "--force")
    job.refresh_from_db()
    cancelled.refresh_from_db()
    assert (job.state, job.attempt, job.tries, job.sent_at) == ("queued", 2, 0, None)
    assert cancelled.state == "cancelled" and cancelled.finished_at is not None


def test_keys_of_rows_that_were_deleted_are_not_given_again(tmp_path: Path) -> None:
    small_site()
    last = Image.objects.order_by("pk").last()
    assert last is not None
    pk = last.pk
    last.file.unlink()
    last.delete()
    back_up(tmp_path / "b")
    run("restore", tmp_path / "b", "--force")
    dataset = Dataset.objects.get(slug="wings")
    assert Image.objects.create(dataset=dataset, path="c", label=0, split="test", width=1, height=1).pk == pk + 1
    assert User.objects.create(email="new@example.org").pk == User.objects.order_by("pk").first().pk + 1  # type: ignore[union-attr]


def test_an_upload_that_was_begun_can_be_filled(tmp_path: Path) -> None:
    small_site()
    upload = Upload.objects.create()
    back_up(tmp_path / "b")
    run("restore", tmp_path / "b", "--force")
    assert upload.folder.is_dir()


# --- secrets


def test_the_secret_comes_back_where_the_site_makes_its_own(tmp_path: Path, settings: Settings) -> None:
    small_site()
    put(settings.VAR_DIR / "secret_key", settings.SECRET_KEY.encode())
    back_up(tmp_path / "b")
    before = settings.SECRET_KEY
    settings.SECRET_KEY = "made by the new site"
    put(settings.VAR_DIR / "secret_key", settings.SECRET_KEY.encode())
    assert "SECRET_KEY" not in run("restore", tmp_path / "b", "--force")
    assert (settings.VAR_DIR / "secret_key").read_text() == before
    assert (settings.VAR_DIR / "secret_key").stat().st_mode & 0o777 == 0o600


def test_another_secret_of_the_environment_is_told(backup: Path, settings: Settings) -> None:
    before, settings.SECRET_KEY = settings.SECRET_KEY, "of the environment"
    assert "SECRET_KEY_FALLBACKS" in run("restore", backup, "--force")
    settings.SECRET_KEY_FALLBACKS = [before]
    assert "SECRET_KEY_FALLBACKS" not in run("restore", backup, "--force")


# --- other versions


def test_a_backup_of_newer_code_is_refused(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows()
    manifest = restoring.opened(backup)
    manifest.migrations.append(("retrieval", "9999_later"))
    monkeypatch.setattr(restoring, "opened", lambda folder: manifest)
    with pytest.raises(CommandError, match="retrieval.9999_later"):
        run("restore", backup, "--force")
    assert rows() == before


def test_rows_of_an_older_schema_are_migrated() -> None:
    first = {"retrieval": "0008_exclude_self", "ratings": "0003_withdrawn_votes"}  # that the old schema lacks
    now = set(schema.applied_migrations())
    assert set(first.items()) <= now
    with schema.replaced_database({(app, name) for app, name in now if name < first.get(app, "~")}) as apps:
        assert "exclude_self" not in {field.name for field in apps.get_model("retrieval.search")._meta.fields}
        user = apps.get_model("accounts.user").objects.create(email="old@example.org")
        search = apps.get_model("retrieval.search").objects.create(owner=user, k=3)
        schema.migrate_to_code()
    assert Search.objects.get(pk=search.pk).exclude_self is True
    assert not missing_migrations()


def test_an_older_backup_replaces_the_database_of_newer_code_and_no_table_of_others(backup: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE ratings_later (id integer)")
        cursor.execute("CREATE TABLE account_of_others (id integer)")
    MigrationRecorder(connection).record_applied("ratings", "9999_later")
    try:
        run("restore", backup, "--force")
        tables = connection.introspection.table_names()
        assert "ratings_later" not in tables and "account_of_others" in tables
        assert ("ratings", "9999_later") not in MigrationRecorder(connection).applied_migrations()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE account_of_others")


# --- what goes wrong midway


def test_a_backup_that_cannot_be_loaded_leaves_the_site_as_it_was(
    backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(), files_below(media(""))

    load, counted = restoring.load_table, iter(range(100))

    def fail(*args: Any) -> None:
        if next(counted) == 20:
            raise OperationalError("database or disk is full")
        load(*args)

    monkeypatch.setattr(restoring, "load_table", fail)
    with pytest.raises(CommandError, match="disk is full"):
        run("restore", backup, "--force")
    assert (rows(), files_below(media(""))) == before and not unfinished_restore()
    User.objects.create(email="new@example.org")  # and the database can be used


@pytest.mark.parametrize("change", ["fewer rows", "no row", "other columns", "an unknown table", "a dangling key"])
def test_a_manifest_that_its_tables_belie_changes_nothing(
    backup: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, manifest, search = rows(), restoring.opened(backup), backup / "database" / "retrieval.search.jsonl"
    number = next(n for n, table in enumerate(manifest.tables) if table.model == "retrieval.search")
    line = json.loads(search.read_text())
    changed = dict(manifest.tables[number].to_json())
    if change == "fewer rows":
        changed["rows"] = 2
    elif change == "no row":
        search.write_text("[1]\n")
    elif change == "other columns":
        changed["columns"] = changed["columns"][:-1]
    elif change == "an unknown table":
        changed["model"] = "retrieval.nothing"
        search.rename(backup / "database" / "retrieval.nothing.jsonl")
    else:
        line[changed["columns"].index("owner_id")] = 10**6
        search.write_text(json.dumps(line) + "\n")
    manifest.tables[number] = type(manifest.tables[number])(**changed)
    monkeypatch.setattr(restoring, "opened", lambda folder: manifest)
    monkeypatch.setattr(restoring, "_lay_ready", lambda folder, manifest: None)
    with pytest.raises(BackupError):
        restore(backup, force=True)
    assert rows() == before and not unfinished_restore()


def test_a_restore_cut_short_is_told_everywhere_and_can_be_repeated(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows()
    with monkeypatch.context() as patch:
        patch.setattr(restoring, "_switch", lambda place: 1 / 0)  # the machine goes down here
        patch.setattr(restoring.shutil, "rmtree", lambda *args, **options: None)
        with pytest.raises(ZeroDivisionError):
            restore(backup, force=True)
    assert str(backup) in unfinished_restore()
    assert "kindred.backups.E001" in {str(message.id) for message in run_checks()}
    with monkeypatch.context() as patch:
        patch.setattr(restoring, "load_table", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            restore(backup, force=True)
    assert unfinished_restore(), "what failed next has not made it good"
    for command in (["backup", tmp_path / "other"], ["verify"]):
        with pytest.raises(CommandError):
            run(str(command[0]), *command[1:])
    run("restore", backup, "--force")
    assert not unfinished_restore() and rows() == before and "No fault" in run("verify")


def test_a_full_disk_while_files_are_laid_ready_changes_nothing(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(), files_below(media(""))

    def full(source: Path, target: Path, mode: int) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(restoring, "copy_file", full)
    with pytest.raises(CommandError, match="No space left"):
        run("restore", backup, "--force")
    assert (rows(), files_below(media(""))) == before and not media(".restore").exists()
