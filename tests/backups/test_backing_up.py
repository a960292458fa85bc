import errno
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from accounts.models import User
from backups.services import backing_up
from backups.services.files import held
from backups.services.manifest import read_list, read_manifest
from backups.services.site import mark_unfinished
from backups.services.tables import one_moment
from retrieval.models import Search
from tests.backups.sites import PICTURES, files_below, media, put, run, small_site
from tests.conftest import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site() -> User:
    return small_site()


@pytest.mark.services
def test_a_backup_holds_what_rows_need_and_no_left_overs(site: User, tmp_path: Path) -> None:
    assert "Backed up" in run("backup", tmp_path / "b")
    held_files = {path for path in files_below(tmp_path / "b") if not path.startswith("database/")}
    search = Search.objects.get().pk
    [folder] = [path.name for path in media("datasets").iterdir() if not path.name.startswith(".")]
    wanted = {f"media/datasets/{folder}/images/{name}" for name in PICTURES}
    wanted |= {f"media/datasets/{folder}/{name}" for name in ("images.csv", "dataset.json")}
    wanted |= {f"media/searches/{search}.jpg", "media/uploads/waiting.zip", "weights/small.safetensors"}
    assert held_files == wanted | {"manifest.json", "files.jsonl"}
    assert "No fault" in run("verify", tmp_path / "b")


def test_a_backup_is_private_and_keeps_no_session(site: User, tmp_path: Path) -> None:
    run("backup", tmp_path / "b")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "b").rglob("*") if path.is_file()}
    folders = {path.stat().st_mode & 0o777 for path in (tmp_path / "b").rglob("*") if path.is_dir()}
    assert (modes, folders, (tmp_path / "b").stat().st_mode & 0o777) == ({0o600}, {0o700}, 0o700)
    assert not list((tmp_path / "b" / "database").glob("*session*"))


def test_the_secret_of_the_site_is_kept_where_the_environment_gives_none(
    site: User, tmp_path: Path, settings: Settings
) -> None:
    put(settings.VAR_DIR / "secret_key", settings.SECRET_KEY.encode())
    run("backup", tmp_path / "with")
    settings.SECRET_KEY = "of the environment"
    run("backup", tmp_path / "without")
    assert (tmp_path / "with" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "without" / "secret_key").exists()
    assert read_manifest(tmp_path / "with").secret != read_manifest(tmp_path / "without").secret


# --- what is refused


def test_only_a_new_or_empty_folder_elsewhere_is_written(site: User, tmp_path: Path) -> None:
    put(tmp_path / "full" / "x")
    put(tmp_path / "file")
    (tmp_path / "link").symlink_to(media(""))
    (tmp_path / "empty").mkdir()
    for place in ("full", "file", "no/parent", "link/b"):
        with pytest.raises(CommandError):
            run("backup", tmp_path / place)
    with pytest.raises(CommandError):
        run("backup", media("backup"))
    run("backup", tmp_path / "empty")
    with pytest.raises(CommandError, match="already"):
        run("backup", tmp_path / "empty")
    assert files_below(tmp_path / "full") == {"x": b"data"} and not (tmp_path / "no").exists()
    assert not media("backup").exists() and not media("b").exists()


def test_one_backup_at_a_time_writes_into_a_folder(site: User, tmp_path: Path) -> None:
    put(tmp_path / "b" / "unfinished")
    with held(tmp_path / "b", ""), pytest.raises(CommandError, match="another backup"):
        run("backup", tmp_path / "b")


@pytest.mark.services
def test_a_database_that_is_older_or_newer_than_the_code_is_not_backed_up(site: User, tmp_path: Path) -> None:
    migrations = MigrationRecorder(connection)
    last = max(name for app, name in migrations.applied_migrations() if app == "ratings")
    migrations.record_unapplied("ratings", last)
    try:
        with pytest.raises(CommandError, match=f"ratings.{last}"):
            run("backup", tmp_path / "b")
    finally:
        migrations.record_applied("ratings", last)
    migrations.record_applied("ratings", "9999_later")
    try:
        with pytest.raises(CommandError, match="ratings.9999_later"):
            run("backup", tmp_path / "b")
    finally:
        migrations.record_unapplied("ratings", "9999_later")


def test_a_site_half_restored_is_not_backed_up(site: User, tmp_path: Path) -> None:
    mark_unfinished(Path("/backups/monday"))
    with pytest.raises(CommandError, match="/backups/monday"):
        run("backup", tmp_path / "b")
    assert not (tmp_path / "b").exists()


# --- what goes wrong midway


def fail_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    copy, counted = backing_up.copy_file, iter(range(1, 1000))

    def copy_or_fail(source: Path, target: Path, mode: int) -> Any:
        if next(counted) == number:
            put(target.with_name("half.part"))
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        return copy(source, target, mode)

    monkeypatch.setattr(backing_up, "copy_file", copy_or_fail)


def test_a_full_disk_leaves_a_backup_that_nobody_takes_for_whole_and_the_next_takes_up(
    site: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_at(patch, 3)
        with pytest.raises(CommandError, match="not whole: No space left"):
            run("backup", tmp_path / "b")
    for command in ("verify", "restore"):
        with pytest.raises(CommandError, match="cut short"):
            run(command, tmp_path / "b")
    assert "takes it up" in run("backup", tmp_path / "b")
    assert "No fault" in run("verify", tmp_path / "b")
    assert not [path for path in files_below(tmp_path / "b") if path.endswith((".part", "unfinished", ".ledger"))]


def test_a_backup_cut_short_is_whole_as_soon_as_its_manifest_is_there(site: User, tmp_path: Path) -> None:
    run("backup", tmp_path / "b")
    put(tmp_path / "b" / "unfinished")
    assert "No fault" in run("verify", tmp_path / "b")


def after_the_database(monkeypatch: pytest.MonkeyPatch, changes: Iterator[Any]) -> None:
    """Let something happen on the site between each reading of the database and the copying of its files."""
    copy = backing_up._copy_files

    def change_then_copy(*args: Any) -> None:
        next(changes, None)
        copy(*args)

    monkeypatch.setattr(backing_up, "_copy_files", change_then_copy)


@pytest.mark.services
def test_what_a_job_deletes_meanwhile_is_in_neither_rows_nor_files(
    site: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete() -> Iterator[None]:
        search = Search.objects.get()
        file = search.upload
        search.delete()
        file.unlink()
        yield

    after_the_database(monkeypatch, delete())
    run("backup", tmp_path / "b")
    assert not (tmp_path / "b" / "media" / "searches").exists() or not list((tmp_path / "b/media/searches").iterdir())
    assert (tmp_path / "b" / "database" / "retrieval.search.jsonl").read_text() == ""
    assert "No fault" in run("verify", tmp_path / "b")


def test_a_file_that_goes_after_it_was_copied_in_an_earlier_round_does_not_stay(
    site: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = Search.objects.create(owner=site, k=1)
    put(second.upload)
    first = Search.objects.exclude(pk=second.pk).get()

    def delete() -> Iterator[None]:
        for search in (first, second):  # the first is missed at once, the second after it was copied
            file = search.upload
            Search.objects.filter(pk=search.pk).delete()
            file.unlink()
            yield

    after_the_database(monkeypatch, delete())
    run("backup", tmp_path / "b")
    assert not [path for path in files_below(tmp_path / "b") if path.startswith("media/searches")]


def test_what_was_missing_or_damaged_before_is_told_and_the_rest_is_kept(site: User, tmp_path: Path) -> None:
    [folder] = [path for path in media("datasets").iterdir() if not path.name.startswith(".")]
    (folder / "images" / "a" / "1.png").unlink()
    (folder / "images" / "b" / "2.png").write_bytes(b"other picture.")
    said = run("backup", tmp_path / "b")
    assert said.count("warning: ") == 2 and "1.png" in said and "2.png" in said
    manifest = read_manifest(tmp_path / "b")
    assert len(manifest.faults) == 2 and len(list(read_list(tmp_path / "b", manifest))) == manifest.files
    with pytest.raises(CommandError, match="2 faults"):
        run("verify", tmp_path / "b")


def test_a_media_folder_of_another_database_is_not_backed_up(
    site: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backing_up, "MOST_FAULTS", 1)
    for path in list(media("datasets").rglob("*.png")):
        path.unlink()
    with pytest.raises(CommandError, match="manage.py verify"):
        run("backup", tmp_path / "b")


def test_links_are_not_followed_out_of_the_media_folder(site: User, tmp_path: Path) -> None:
    secret = put(tmp_path / "elsewhere" / "secret", b"not of the site")
    put(media("uploads/folder-1/x"))
    media("uploads/folder-1/link").symlink_to(secret)
    media("uploads/linked").symlink_to(secret.parent)
    media("linked").symlink_to(secret.parent)
    [picture] = media("datasets").glob("*/images/a/1.png")
    picture.rename(tmp_path / "elsewhere" / "picture")
    picture.symlink_to(tmp_path / "elsewhere" / "picture")
    said = run("backup", tmp_path / "b")
    assert "1.png" in said and b"not of the site" not in files_below(tmp_path / "b").values()
    assert not [path for path in (tmp_path / "b").rglob("*") if path.is_symlink()]
    with pytest.raises(CommandError, match="1 faults"):
        run("verify")


@pytest.mark.services
def test_the_database_is_read_at_one_moment_while_others_write(site: User, settings: Settings) -> None:
    def write() -> None:
        person("otto", "member")
        connection.close()

    with one_moment():
        assert User.objects.count() == 1
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(10)
        assert not thread.is_alive() and User.objects.count() == 1
    assert User.objects.count() == 2
