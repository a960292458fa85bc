"""Runs doctor as a whole and says what is new since the site was healthy."""

import json
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import Any

from django.core.management import call_command

from operations.services.doctor.running import run
from operations.services.doctor.table import CHECKS

Row = dict[str, str]


def report(*only: str) -> tuple[int, list[Row]]:
    """Return the exit code of `manage.py doctor --json` and its findings."""
    out, code = StringIO(), 0
    try:
        call_command("doctor", "--json", *(("--only", *only) if only else ()), stdout=out)
    except SystemExit as end:
        code = int(end.code or 0)
    answer: dict[str, Any] = json.loads(out.getvalue())
    assert answer["ok"] == (code == 0)
    return code, answer["findings"]


@dataclass
class Doctor:
    """Remembers what it found in a healthy site."""

    before: list[Row] = field(default_factory=list)

    def found_healthy(self) -> "Doctor":
        """Look at a site without a fault."""
        code, self.before = report()
        assert code == 0, self.failures(self.before)
        return self

    @staticmethod
    def failures(rows: list[Row]) -> list[Row]:
        return [row for row in rows if row["level"] == "failure"]

    def new(self) -> list[Row]:
        """Return the warnings and failures that were not there before."""
        code, rows = report()
        assert code == (1 if self.failures(rows) else 0)
        return [row for row in rows if row["level"] in ("warning", "failure") and row not in self.before]

    def names(self, check: str, *words: str, do: str, level: str = "failure") -> None:
        """See that the planted fault is the only new finding: of this check, with these words and this way out."""
        found = self.new()
        assert [(row["check"], row["level"]) for row in found] == [(check, level)], found
        for word in words:
            assert word in found[0]["seen"], found
        assert do in found[0]["do"], found


def hurried(name: str, seconds: float) -> list[Row]:
    """Return what one check finds in so few seconds."""
    checks = [replace(check, seconds=seconds, needs=()) for check in CHECKS if check.name == name]
    return [{"level": row.level, "seen": row.seen, "do": row.do} for done in run(checks) for row in done.findings]
