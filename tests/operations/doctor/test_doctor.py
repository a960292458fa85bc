"""`manage.py doctor` itself: its time, its secrets, its output."""

import json
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from operations.services.doctor import showing
from operations.services.doctor.findings import Check, Finding, Level, failure, ok, warning
from operations.services.doctor.masking import masked
from operations.services.doctor.running import run
from operations.services.doctor.table import CHECKS
from tests.config.test_settings import python
from tests.operations.doctor.doctoring import Doctor


def healthy_check() -> Iterator[Finding]:
    yield ok("It is well.")


def failing() -> Iterator[Finding]:
    yield failure("It is broken.", "Mend it.")


def raising() -> Iterator[Finding]:
    yield ok("The first half is well.")
    raise ZeroDivisionError("postgres://mia:hunter2@db/x")


def hanging() -> Iterator[Finding]:
    time.sleep(30)
    yield ok("It came too late.")


def test_a_check_that_raises_is_a_finding_without_secrets() -> None:
    [result] = run([Check("one", "services", raising)])
    assert [finding.level for finding in result.findings] == [Level.OK, Level.FAILURE]
    assert "ZeroDivisionError: postgres://mia:***@db/x" in result.findings[1].seen


def test_a_check_that_hangs_ends_as_a_failure() -> None:
    [slow, next_one] = run([Check("one", "services", hanging, seconds=0.1), Check("two", "services", healthy_check)])
    assert "no result within 0.1 seconds" in slow.findings[0].seen and slow.has_failed
    assert not next_one.has_failed


def test_what_needs_a_failed_check_is_skipped_and_names_the_first_cause() -> None:
    checks = [
        Check("database", "services", failing),
        Check("migrations", "versions", healthy_check, ("database",)),
        Check("jobs", "work", healthy_check, ("migrations",)),
    ]
    levels = [(finding.level, finding.do) for result in run(checks) for finding in result.findings]
    assert levels[0][0] is Level.FAILURE
    assert levels[1:] == [(Level.SKIPPED, "Mend 'database' first.")] * 2


def test_a_single_check_says_what_it_lacks() -> None:
    checks = [Check("database", "services", failing), Check("jobs", "work", healthy_check, ("database",))]
    assert [result.check.name for result in run(checks, ["jobs"])] == ["database", "jobs"]
    checks[0] = Check("database", "services", healthy_check)
    assert [result.check.name for result in run(checks, ["jobs"])] == ["jobs"]


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CommandError, match="'dsik'; known: .*room"):
        call_command("doctor", "--only", "dsik")


def test_every_check_runs_after_those_that_it_needs() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    for check in CHECKS:
        assert set(check.needs) <= set(names[: names.index(check.name)]), check.name


def test_checks_of_a_group_stand_together() -> None:
    groups = [check.group for check in CHECKS]
    firsts = [group for place, group in enumerate(groups) if place == 0 or groups[place - 1] != group]
    assert firsts == ["settings", "services", "versions", "disk", "permissions", "clock", "data", "work"]


def test_secrets_of_the_environment_are_masked(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUt/nFEMI")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://:s3cr3t@127.0.0.1/0")
    settings.SECRET_KEY = "the-key-of-the-site"
    text = "wJalrXUt/nFEMI or s3cr3t or the-key-of-the-site at amqp://u:pw@h and redis://:short@h/1"
    assert masked(text) == "*** or *** or *** at amqp://u:***@h and redis://:***@h/1"


def test_the_text_has_groups_marks_and_ways_out() -> None:
    checks = [
        Check("one", "services", healthy_check),
        Check("two", "services", failing),
        Check("three", "work", lambda: iter([warning("It is late.", "Wind it up.")])),
    ]
    results = list(run(checks))
    assert showing.as_text(results).splitlines() == [
        "services",
        "  ok       one           It is well.",
        "  FAILURE  two           It is broken.",
        "                         -> Mend it.",
        "",
        "work",
        "  WARNING  three         It is late.",
        "                         -> Wind it up.",
    ]
    assert showing.summary(results) == "3 checks: 1 failure, 1 warning."


def test_a_healthy_site_has_no_failure_and_is_left_as_it_was(healthy: Doctor, settings: Settings) -> None:
    before = sorted(Path(settings.VAR_DIR).rglob("*"))
    out = StringIO()
    call_command("doctor", stdout=out)
    assert "0 failures" in out.getvalue() and len({row["check"] for row in healthy.before}) == len(CHECKS)
    assert sorted(Path(settings.VAR_DIR).rglob("*")) == before and healthy.new() == []


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"KINDRED_HTTPS": "ture"}, "KINDRED_HTTPS must be true or false, got 'ture'"),
        ({"KINDRED_HTTPS": "true"}, "SECRET_KEY must be set"),
        ({"WEB_THREADS": "many"}, "WEB_THREADS: invalid literal for int() with base 10: 'many'"),
        ({"DATABASE_URL": "postgres://mia:hun/ter2@db/x"}, "DATABASE_URL is no URL"),
        ({"LOG_LEVEL": "LOUD"}, "Unknown level: 'LOUD'"),
    ],
)
def test_settings_that_are_refused_are_a_sentence(tmp_path: Path, env: dict[str, str], sentence: str) -> None:
    done = python(tmp_path, "manage.py", "doctor", "--json", **env)
    [row] = json.loads(done.stdout)["findings"]
    assert done.returncode == 1 and sentence in row["seen"] and "docs/settings.md" in row["do"]
    assert "Traceback" not in done.stderr and "hun/ter2" not in done.stdout + done.stderr


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file stands where the folder should be")
    done = python(tmp_path / "var", "manage.py", "doctor")
    assert done.returncode == 1 and "A folder of the site cannot be used" in done.stdout and "chown" in done.stdout
    assert "Traceback" not in done.stderr
