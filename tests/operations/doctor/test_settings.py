"""Planted faults of settings, versions, disks, permissions and clocks."""

import datetime
import os
import subprocess
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django import Settings

from jobs.models import Job
from operations.services.doctor import clock, versions
from operations.services.doctor import settings as of_settings
from tests.operations.doctor.conftest import HOST
from tests.operations.doctor.doctoring import Doctor

LONG_SECRET = "x9-long-and-random-enough-for-a-test-0123456789-abcdefgh"
SMTP_CLASS = "django.core.mail.backends.smtp.EmailBackend"
CERTIFICATE_OF = of_settings._certificate_of


# --- settings


def test_a_mistyped_variable(healthy: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINDRED_TRUSTED_PROXYS", "1")
    healthy.names("variables", "KINDRED_TRUSTED_PROXYS", do="Rename it to KINDRED_TRUSTED_PROXIES")


def test_a_mistyped_variable_of_another_family(healthy: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    monkeypatch.setenv("ALLOWED_HOST", "kindred.example")
    healthy.names("variables", "ALLOWED_HOST is set", do="Rename it to ALLOWED_HOSTS")


def test_a_variable_that_nobody_reads(healthy: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINDRED_WALLPAPER", "blue")
    healthy.names("variables", "KINDRED_WALLPAPER", do="Remove it", level="warning")


def test_variables_of_caddy_and_of_the_client_are_known(healthy: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KINDRED_SITE", "KINDRED_PORT", "KINDRED_TOKEN"):
        monkeypatch.setenv(name, "x")
    assert healthy.new() == []


def test_several_processes_without_a_shared_cache(healthy: Doctor, settings: Settings) -> None:
    if not settings.CACHES["default"]["BACKEND"].endswith("LocMemCache"):
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.WEB_PROCESSES = 2
    assert ("system-checks", "Set CACHE_URL") in [(row["check"], row["do"][:13]) for row in healthy.new()]


@pytest.fixture
def https(healthy: Doctor, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Serve the healthy site to others over HTTPS."""
    settings.HTTPS = settings.SECURE_SSL_REDIRECT = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS, settings.SECRET_KEY, settings.TRUSTED_PROXIES = 3600, LONG_SECRET, 1
    settings.ALLOWED_HOSTS, settings.EMAIL_BACKEND = ["kindred.example"], SMTP_CLASS
    monkeypatch.setattr(f"{SMTP_CLASS}.open", lambda server: True)
    monkeypatch.setattr(of_settings, "_certificate_of", lambda host: of_settings.ok(f"{host} is well"))
    return healthy.found_healthy()


def test_a_weak_secret(https: Doctor, settings: Settings) -> None:
    settings.SECRET_KEY = "50-random-characters"
    https.names("system-checks", "SECRET_KEY", do="check --deploy", level="warning")


def test_the_secret_that_was_made_for_http(https: Doctor, settings: Settings) -> None:
    kept = Path(settings.VAR_DIR) / "secret_key"
    kept.touch(0o600)
    kept.write_text(LONG_SECRET)
    https.names("exposure", "made for http", do="50 new random characters", level="warning")


def test_https_without_a_proxy_that_is_believed(https: Doctor, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 0
    https.names("exposure", "KINDRED_TRUSTED_PROXIES is 0", do="usually 1", level="warning")


def test_https_for_no_other_host(https: Doctor, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    https.names("exposure", "ALLOWED_HOSTS is localhost", do="host name of the site")


def test_debug_pages(healthy: Doctor, settings: Settings) -> None:
    settings.DEBUG = True
    healthy.names("exposure", "KINDRED_DEBUG is true", do="Unset", level="warning")


@pytest.mark.parametrize(
    ("days", "level", "words"), [(-3, "failure", "has expired"), (5, "warning", "expires in 5 days")]
)
def test_the_certificate_of_the_site(
    https: Doctor, settings: Settings, monkeypatch: pytest.MonkeyPatch, serve_tls: Callable[[int], int],
    days: int, level: str, words: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(of_settings, "HTTPS_PORT", serve_tls(days))
    monkeypatch.setattr(of_settings, "_certificate_of", CERTIFICATE_OF)
    settings.ALLOWED_HOSTS = [HOST]
    https.names("certificate", HOST, words, do="Caddy", level=level)


# --- versions


@pytest.fixture
def migrations(healthy: Doctor) -> Iterator[MigrationRecorder]:
    """Give access to the list of migrations, which is as it was afterwards."""
    recorder = MigrationRecorder(connection)
    before = set(recorder.applied_migrations())
    yield recorder
    for app, name in set(recorder.applied_migrations()) - before:
        recorder.record_unapplied(app, name)
    for app, name in before - set(recorder.applied_migrations()):
        recorder.record_applied(app, name)


def test_a_database_of_a_newer_release(healthy: Doctor, migrations: MigrationRecorder) -> None:
    migrations.record_applied("retrieval", "9999_later")
    healthy.names("migrations", "newer release", "retrieval.9999_later", do="Install that release")


def test_a_database_of_an_older_release(healthy: Doctor, migrations: MigrationRecorder) -> None:
    [last] = MigrationLoader(connection).graph.leaf_nodes("operations")
    migrations.record_unapplied(*last)
    healthy.names("migrations", "1 of this release", ".".join(last), do="python manage.py migrate")


def test_a_package_of_another_version(healthy: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = Path(versions.BASE_DIR, "requirements.txt").read_text()
    (tmp_path / "requirements.txt").write_text(pins.replace("numpy==", "numpy==9"))
    monkeypatch.setattr(versions, "BASE_DIR", tmp_path)
    healthy.names("packages", "numpy", "instead of 9", do="pip install -r requirements.txt", level="warning")


def test_a_package_that_is_missing(healthy: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "hnswlib":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    healthy.names("packages", "hnswlib", do="pip install -r requirements.txt")


def test_a_library_for_another_processor(healthy: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    dies = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"
    monkeypatch.setattr(versions, "LIBRARIES", {**versions.LIBRARIES, "another": dies})
    healthy.names("libraries", "another was compiled for another processor", do="HNSWLIB_NO_NATIVE=1")


def test_every_library_is_tried_by_code_that_runs() -> None:
    assert [finding.level for finding in versions.libraries()] == ["ok"]


# --- disks


def disk(**changes: int) -> Callable[[object], SimpleNamespace]:
    """Return what says of every disk that it has so much left."""
    values = {"f_bavail": 2**40, "f_frsize": 1, "f_files": 10**9, "f_favail": 10**8}
    return lambda path: SimpleNamespace(**values | changes)


def test_a_disk_that_is_nearly_full(healthy: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", disk(f_bavail=100 * 2**20))
    found = healthy.new()
    assert {row["check"] for row in found} == {"room"} and "0.1 GB left" in found[0]["seen"]
    assert found[0]["level"] == "failure" and "Make room" in found[0]["do"]


def test_a_disk_with_less_room_than_an_upload_takes(healthy: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", disk(f_bavail=2 * 2**30))
    found = healthy.new()
    assert {(row["check"], row["level"]) for row in found} == {("room", "warning")}
    assert "an upload may have 4.0 GB" in found[0]["seen"] and "KINDRED_ARCHIVE_MAX_MB" in found[0]["do"]


def test_a_disk_without_inodes(healthy: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", disk(f_favail=12))
    found = healthy.new()
    assert {(row["check"], row["level"]) for row in found} == {("room", "failure")}
    assert "12 more files" in found[0]["seen"]


@pytest.fixture
def full_disk(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """Let the files be on a real disk of 256 KB that is full."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "kindred", settings.MEDIA_ROOT])
    if mounted.returncode:
        pytest.skip("this user may not mount a disk")
    try:
        with (Path(settings.MEDIA_ROOT) / "filling").open("wb") as file, pytest.raises(OSError, match="No space left"):
            for _ in range(100):
                file.write(bytes(8192))
                file.flush()
        yield Path(settings.MEDIA_ROOT)
    finally:
        subprocess.run(["umount", settings.MEDIA_ROOT], check=True)


def test_a_disk_that_is_really_full(healthy: Doctor, full_disk: Path) -> None:
    found = {row["check"]: row for row in healthy.new()}
    assert set(found) == {"storage", "room"}
    assert str(full_disk) in found["storage"]["seen"] and "No space left" in found["storage"]["seen"]
    assert "Make room" in found["storage"]["do"]


# --- permissions


@pytest.mark.parametrize(
    ("name", "mode", "words", "do"),
    [
        ("media", 0o500, "cannot read and write", "chmod u+rwx"),
        ("cache", 0o750, "other users of this machine may read it", "chmod go-rwx"),
    ],
)
def test_a_folder_with_wrong_rights(
    healthy: Doctor, settings: Settings, name: str, mode: int, words: str, do: str
) -> None:
    folder = Path(settings.VAR_DIR) / name
    folder.chmod(mode)
    try:
        found = {row["check"]: row for row in healthy.new()}
    finally:
        folder.chmod(0o700)
    assert set(found) - {"storage"} == {"files"}  # who is not root cannot store files either
    assert f"{folder} has the rights" in found["files"]["seen"] and words in found["files"]["seen"]
    assert f"{do} {folder}" in found["files"]["do"]


def test_a_secret_that_others_can_read(healthy: Doctor, settings: Settings) -> None:
    kept = Path(settings.VAR_DIR) / "secret_key"
    kept.write_text("secret")
    kept.chmod(0o644)
    healthy.names("files", "secret_key", "0644", do=f"chmod go-rwx {kept}")


def test_files_of_another_user(healthy: Doctor, settings: Settings) -> None:
    """As after `manage.py` was run as root."""
    if os.geteuid():
        pytest.skip("only root can give files away")
    os.chown(settings.MEDIA_ROOT, 65534, -1)
    healthy.names("files", f"{settings.MEDIA_ROOT} belongs to nobody", do="chown")


# --- clocks


def test_a_clock_that_is_an_hour_behind(healthy: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_of_database", lambda: -3600.0)
    healthy.names("clocks", "3,600 s behind the database's", do="timedatectl")


def test_a_job_from_the_future(healthy: Doctor) -> None:
    ahead = timezone.now() + datetime.timedelta(hours=2)
    Job.objects.create(kind="one", state="failed", finished_at=ahead - datetime.timedelta(days=2), heartbeat_at=ahead)
    healthy.names("rows", "s in the future", do="timedatectl")


def test_a_machine_without_time_zones(healthy: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "ZONES", ("Europe/Atlantis",))
    healthy.names("zones", "Europe/Atlantis", do="tzdata")
