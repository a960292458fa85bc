"""Results as text for people and as JSON for programs."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from operations.services.doctor.findings import Finding, Level, Result

WIDTH = 100
MARKS = {Level.OK: "ok", Level.SKIPPED: "skipped", Level.WARNING: "WARNING", Level.FAILURE: "FAILURE"}
_LEVEL, _NAME = 9, 14  # characters of the two columns before the sentence


def as_text(results: Iterable[Result]) -> str:
    """Return the findings below the headings of their groups."""
    blocks = []
    for group, members in groupby(results, key=lambda result: result.check.group):
        lines = [_line(result.check.name, finding) for result in members for finding in result.findings]
        blocks.append("\n".join([group, *lines]))
    return "\n\n".join(blocks) + "\n"


def _line(name: str, finding: Finding) -> str:
    start = f"  {MARKS[finding.level]:<{_LEVEL}}{name:<{_NAME}}"
    indent = " " * len(start)
    lines = textwrap.wrap(finding.seen, WIDTH, initial_indent=start, subsequent_indent=indent)
    if finding.do:
        lines += textwrap.wrap(finding.do, WIDTH, initial_indent=f"{indent}-> ", subsequent_indent=f"{indent}   ")
    return "\n".join(lines)


def summary(results: Sequence[Result]) -> str:
    """Return the counts of checks and findings in a sentence."""
    counts = Counter(finding.level for result in results for finding in result.findings)
    skipped = f", {counts[Level.SKIPPED]} skipped" if counts[Level.SKIPPED] else ""
    return (
        f"{_number(len(results), 'check')}: {_number(counts[Level.FAILURE], 'failure')}, "
        f"{_number(counts[Level.WARNING], 'warning')}{skipped}."
    )


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def as_json(results: Iterable[Result]) -> str:
    """Return a JSON object with a row for each finding."""
    rows = [
        {
            "check": result.check.name,
            "group": result.check.group,
            "level": found.level,
            "seen": found.seen,
            "do": found.do,
        }
        for result in results
        for found in result.findings
    ]
    return json.dumps({"ok": all(row["level"] != Level.FAILURE for row in rows), "findings": rows}, indent=2) + "\n"
