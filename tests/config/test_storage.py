"""Other users of the machine read neither the database nor what people sent."""

import stat
from pathlib import Path

from config.places import keep_private_file, keep_private_folder
from tests.config.test_settings import python


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_made_at_a_start_is_the_users_alone(tmp_path: Path) -> None:
    var = tmp_path / "var"
    assert python(var, "manage.py", "check").returncode == 0
    assert mode(var / "db.sqlite3") == 0o600
    assert {mode(var / name) for name in ("media", "mail", "cache", "broker")} == {0o700}


def test_a_database_of_another_name_is_the_users_alone(tmp_path: Path) -> None:
    database = tmp_path / "other.sqlite3"
    done = python(tmp_path / "var", "manage.py", "check", DATABASE_URL=f"sqlite:///{database}")
    assert done.returncode == 0, done.stderr
    assert mode(database) == 0o600
    show = ("-c", "from django.conf import settings; print(settings.DATABASES['default']['NAME'])")
    assert python(tmp_path / "var", *show, DATABASE_URL="sqlite://:memory:").stdout.strip() == ":memory:"


def test_what_was_open_before_is_closed(tmp_path: Path) -> None:
    database, log, folder = tmp_path / "db.sqlite3", tmp_path / "db.sqlite3-wal", tmp_path / "media"
    for file in (database, log):
        file.write_text("rows")
        file.chmod(0o644)
    folder.mkdir(mode=0o755)
    keep_private_file(database)
    keep_private_folder(folder)
    assert (mode(database), mode(log), mode(folder)) == (0o600, 0o600, 0o700)
    assert database.read_text() == "rows"
