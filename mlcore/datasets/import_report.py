"""The report of an import: what was taken, what was left out and why, stored with its longest lists cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlcore.datasets.source import printable

LISTED = 1_000
"""Entries of each list that are stored; a folder of a million texts would else make a report of 100 MB."""


@dataclass(frozen=True)
class ImportReport:
    """What was taken and what was left out, and why.

    test_images: all that is held out; query_images of them are queries, the others then their gallery.
    duplicates: (path left out, path of the same bytes that was kept), same class and split.
    conflicting: (path, path of the same bytes met before), both kept, in different classes: one label is wrong.
    broken: (path, reason) of pictures that could not be read.
    skipped: (path, reason) of files that were not tried, such as texts; reports of before have them among the broken.
    singleton_classes: those with a query that has no other picture of its class to find.
    empty: classes left out because not one picture could be read.
    remarks: of the source, and on its classes and splits.
    """

    name: str
    images: int
    classes: int
    train_images: int
    test_images: int
    train_classes: int
    test_classes: int
    duplicates: tuple[tuple[str, str], ...]
    conflicting: tuple[tuple[str, str], ...]
    broken: tuple[tuple[str, str], ...]
    singleton_classes: tuple[str, ...]
    empty: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    query_images: int = 0
    skipped: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain lists and numbers, as stored in report.json: the first entries of each list, and `totals`."""
        return shortened({key: _plain(value) for key, value in vars(self).items()})


def shortened(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report with the first entries of each list, and `totals`: how many each had."""
    lists = {name: value for name, value in report.items() if isinstance(value, list)}
    cut = {name: entries[:LISTED] for name, entries in lists.items()}
    return {**report, **cut, "totals": {name: len(entries) for name, entries in lists.items()}}


def updated(report: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a shortened report with another's fields in place of its own, and their totals."""
    totals = {name: total for name, total in part["totals"].items() if name in part}
    return {**report, **part, "totals": {**report.get("totals", {}), **totals}}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return printable(value) if isinstance(value, str) else value
