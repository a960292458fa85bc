import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "KINDRED_HTTPS": "true",
    "SECRET_KEY": "x9-long-and-random-enough-for-a-test-0123456789-abcdefgh",
    "ALLOWED_HOSTS": "kindred.example.org",
}
IN_CHECK = pytest.mark.full  # `make check` runs the same command


def python(var: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, *argv]
    env = {**keep, "KINDRED_VAR": str(var), "DJANGO_SETTINGS_MODULE": "config.settings", **env}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def test_nothing_needs_to_be_set_on_ones_own_machine(tmp_path: Path) -> None:
    done = python(tmp_path / "var", "manage.py", "check")
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "var" / "secret_key").stat().st_mode) == 0o600


def test_the_made_secret_is_kept(tmp_path: Path) -> None:
    show = ("-c", "from django.conf import settings; print(settings.SECRET_KEY)")
    first, second = (python(tmp_path, *show).stdout for _ in range(2))
    assert len(first) > 50 and first == second


@IN_CHECK
def test_the_production_settings_pass_the_deploy_check(tmp_path: Path) -> None:
    done = python(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"KINDRED_HTTPS": "true"}, "SECRET_KEY must be set"),
        ({"KINDRED_EMAIL_VERIFICATION": "maybe"}, "must be mandatory, optional or none, got 'maybe'"),
        ({"KINDRED_REQUIRE_2FA": "everybody"}, "must be none, admins or curators, got 'everybody'"),
        ({"CELERY_QUEUE_PREFIX": "a/b"}, "may hold letters, digits, - and _ only, got 'a/b'"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT must be line or json, got 'xml'"),
        ({"KINDRED_METRICS_TOKEN": "short"}, "KINDRED_METRICS_TOKEN must have at least 24 characters"),
        ({"KINDRED_METRICS_TOKEN": "a token with spaces in between"}, "only visible ASCII"),
        ({"JOB_SWEEP_SECONDS": "0"}, "JOB_SWEEP_SECONDS must be above 0, got 0"),
        ({"JOB_STALE_SECONDS": "6"}, "must be at least twice"),
        ({"KINDRED_CONTACT": "ask Mia"}, "must be an e-mail address or a URL that begins with https://, got 'ask Mia'"),
        ({"KINDRED_CONTACT": "javascript:alert(1)"}, "must be an e-mail address or a URL"),
        ({"KINDRED_TRUSTED_PROXIES": "many"}, "invalid literal for int"),
    ],
)
def test_a_bad_environment_fails_loudly(tmp_path: Path, env: dict[str, str], sentence: str) -> None:
    done = python(tmp_path, "manage.py", "check", **env)
    assert done.returncode != 0 and sentence in done.stderr


def test_several_web_processes_without_a_shared_cache_are_warned_of(tmp_path: Path) -> None:
    done = python(tmp_path, "manage.py", "check", WEB_PROCESSES="2")
    assert done.returncode == 0 and "kindred.W001" in done.stderr


def test_starting_django_loads_no_torch(tmp_path: Path) -> None:
    code = "import sys, django; django.setup(); import config.urls; sys.exit('torch' in sys.modules)"
    assert python(tmp_path, "-c", code).returncode == 0


@IN_CHECK
def test_the_schema_is_valid_and_without_warnings(tmp_path: Path) -> None:
    done = python(tmp_path, "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "s"))
    assert done.returncode == 0, done.stderr


@IN_CHECK
def test_no_migration_is_missing(tmp_path: Path) -> None:
    done = python(tmp_path, "manage.py", "makemigrations", "--check", "--dry-run")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["C# work", "50% off?", "größe & co", "a:b@c"])
def test_the_database_lies_in_the_folder_that_was_named(tmp_path: Path, name: str) -> None:
    show = ("-c", "from django.conf import settings; print(settings.DATABASES['default']['NAME'])")
    folder = tmp_path / name
    assert python(folder, *show).stdout.strip() == str(folder / "db.sqlite3")


def test_subdomains_are_bound_to_https_only_when_that_is_chosen(tmp_path: Path) -> None:
    show = (
        "-c",
        "from django.conf import settings as s; print(s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SECURE_HSTS_PRELOAD)",
    )
    assert python(tmp_path, *show, **PRODUCTION).stdout.split() == ["False", "False"]
    chosen = {"KINDRED_HSTS_SUBDOMAINS": "true", "KINDRED_HSTS_PRELOAD": "true"}
    assert python(tmp_path, *show, **PRODUCTION, **chosen).stdout.split() == ["True", "True"]
