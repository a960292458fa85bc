"""What a check finds, and what a check is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is; `skipped` says that another fault came first."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """A sentence on what was seen, and one on what to do about it; empty where there is nothing to do."""

    level: Level
    seen: str
    do: str = ""


def ok(seen: str) -> Finding:
    """Return what is as it should be."""
    return Finding(Level.OK, seen)


def warning(seen: str, do: str) -> Finding:
    """Return what may do harm later, or to some."""
    return Finding(Level.WARNING, seen, do)


def failure(seen: str, do: str) -> Finding:
    """Return what keeps the site from working, or its data from being safe."""
    return Finding(Level.FAILURE, seen, do)


@dataclass(frozen=True)
class Check:
    """A look at one part of the installation.

    needs: the checks without whose success it has nothing to look at. seconds: after which it counts as failed.
    """

    name: str
    group: str
    look: Callable[[], Iterator[Finding]]
    needs: tuple[str, ...] = ()
    seconds: float = 15.0


@dataclass(frozen=True)
class Result:
    """A check with what it found."""

    check: Check
    findings: tuple[Finding, ...]

    @property
    def has_failed(self) -> bool:
        """Whether one of its findings is a failure, or it was skipped because of one."""
        return any(finding.level in (Level.FAILURE, Level.SKIPPED) for finding in self.findings)
