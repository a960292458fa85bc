"""Runs checks one after the other, each for a bounded time; what a check raises is a finding like others."""

import threading
from collections.abc import Collection, Iterator, Sequence

from django.db import connections

from operations.services.doctor.findings import Check, Finding, Level, Result, failure
from operations.services.doctor.masking import brief, masked


def run(checks: Sequence[Check], only: Collection[str] = ()) -> Iterator[Result]:
    """Yield the result of each check, or of those named; what these need is looked at too, and told where it fails.

    Raises:
        ValueError: no check has such a name.
    """
    unknown = set(only) - {check.name for check in checks}
    if unknown:
        known = ", ".join(check.name for check in checks)
        raise ValueError(f"no check is named {min(unknown)!r}; known: {known}")
    wanted = _with_needs(checks, set(only)) if only else {check.name for check in checks}
    failed = dict[str, str]()  # by name, the first that failed
    for check in checks:
        if check.name not in wanted:
            continue
        cause = next((failed[name] for name in check.needs if name in failed), "")
        result = Result(check, (_skipped(cause),) if cause else _bounded(check))
        if result.has_failed:
            failed[check.name] = cause or check.name
        if not only or check.name in only or (result.has_failed and not cause):
            yield result


def _with_needs(checks: Sequence[Check], names: set[str]) -> set[str]:
    needs = {check.name: check.needs for check in checks}
    while more := {need for name in names for need in needs[name]} - names:
        names = names | more
    return names


def _skipped(cause: str) -> Finding:
    return Finding(Level.SKIPPED, f"Not looked at, because {cause!r} failed.", f"Mend {cause!r} first.")


def _bounded(check: Check) -> tuple[Finding, ...]:
    """Return what a check finds in its time; its thread is left alone where it hangs, and ends with the process."""
    findings: list[Finding] = []
    thread = threading.Thread(target=_look, args=(check, findings), name=f"doctor-{check.name}", daemon=True)
    thread.start()
    thread.join(check.seconds)
    if thread.is_alive():
        seen = f"The check gave no result within {check.seconds:g} seconds."
        do = "See whether that service, disk or network hangs, and restart it. Then run doctor again."
        return (*findings, failure(seen, do))
    return tuple(findings)


def _look(check: Check, findings: list[Finding]) -> None:
    try:
        for finding in check.look():
            findings.append(Finding(finding.level, masked(finding.seen), masked(finding.do)))
    except Exception as error:  # noqa: BLE001  # the one edge: whatever a part of the site raises is a finding
        seen = f"The check stopped with {type(error).__name__}: {brief(error)}."
        findings.append(failure(seen, "Mend that. If it is no fault of this installation, report it."))
    finally:
        connections.close_all()  # this thread's own
