"""The figures of a load: a table, a JSON document, and the table of docs/deploy.md."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.load.events import Events
from benchmarks.load.judging import Journal, Tally
from benchmarks.measuring import processor

BEGIN, END = "<!-- Written by `make load`: not to be edited. -->\n", "<!-- End of the figures. -->"
PERCENTILES = (50, 95, 99)
HEAD = ["request", "count", "failures", "503", "p50, ms", "p95, ms", "p99, ms"]

Figures = dict[str, Any]


def figures_of(journal: Journal, events: Events, about: Mapping[str, Any], memory: Mapping[str, Any]) -> Figures:
    """Return all figures. about: the clients and the site; memory: MiB by process: start, most, end."""
    rows = {kind: _row(tally) for kind, tally in sorted(journal.tallies.items())}
    total = Tally(
        [ms for tally in journal.tallies.values() for ms in tally.ms],
        sum(tally.failures for tally in journal.tallies.values()),
        sum(tally.busy for tally in journal.tallies.values()),
    )
    return {
        **about,
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "system": platform.platform(terse=True),
            "load": [round(value, 1) for value in os.getloadavg()],
        },
        "date": datetime.now(UTC).date().isoformat(),
        "requests": rows,
        "all": _row(total),
        "requests_per_second": round(total.count / about["seconds"], 1),
        "stored": {"searches": len(journal.searches), "marks": len(journal.marks), "ballots": len(journal.ballots)},
        "events": [asdict(event) for event in events.happened],
        "memory_mib": memory,
        "failures": journal.failures,
    }


def _row(tally: Tally) -> Figures:
    values = {percent: tally.percentile(percent) for percent in PERCENTILES}
    named = {f"p{percent}_ms": None if value is None else round(value) for percent, value in values.items()}
    return {"count": tally.count, "failures": tally.failures, "busy": tally.busy, **named}


def _cells(kind: str, row: Figures) -> list[str]:
    values = [row["count"], row["failures"], row["busy"], *(row[f"p{percent}_ms"] for percent in PERCENTILES)]
    return [kind, *("" if value is None else f"{value:,}" for value in values)]


Rows = list[list[str]]


def tables(figures: Figures) -> list[Rows]:
    """Return the tables of a run, each with its head first: the requests, the run, the memory."""
    requests = [_cells(kind, row) for kind, row in figures["requests"].items()]
    memory = [
        [name, *(f"{of[when]:.0f}" for when in ("start", "most", "end"))] for name, of in figures["memory_mib"].items()
    ]
    return [
        [HEAD, *requests, _cells("all", figures["all"])],
        [["the run", ""], *_facts(figures)],
        [["process, MiB", "start", "most", "end"], *memory],
    ]


def _facts(figures: Figures) -> Rows:
    machine, stored = figures["machine"], figures["stored"]
    happened = [f"{event['what']} ({event['ended'] - event['began']:.0f} s)" for event in figures["events"]]
    return [
        ["clients", f"{figures['clients']} for {figures['seconds']:.0f} seconds"],
        ["requests a second", str(figures["requests_per_second"])],
        ["stored", ", ".join(f"{count:,} {name}" for name, count in stored.items())],
        ["meanwhile", ", ".join(happened)],
        ["site", figures["site"]],
        ["services", figures["services"]],
        ["machine", f"{machine['processor']}, {machine['cores']} cores, clients included"],
        ["load average", f"{machine['load'][1]} over the last 5 minutes"],
        ["date", figures["date"]],
    ]


def text(figures: Figures, invariants: Sequence[str]) -> str:
    """Return everything for a terminal."""
    parts = [_aligned(rows) for rows in tables(figures)]
    for failure in figures["failures"]:
        parts.append(f"FAILED {failure['kind']}: {failure['request']}: {failure['status']}\n{failure['body']}")
    return "\n\n".join([*parts, *(f"BROKEN {sentence}" for sentence in invariants)])


def _aligned(rows: Rows) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    numbers = len(widths) > 2
    lines = (
        [cell.rjust(width) if place and numbers else cell.ljust(width) for place, (cell, width) in enumerate(pairs)]
        for pairs in (zip(row, widths, strict=True) for row in rows)
    )
    return "\n".join("  ".join(line).rstrip() for line in lines)


def write_page(page: Path, figures: Figures) -> None:
    """Exchange what stands between the marks of a document. Raises ValueError where it has no such marks."""
    page.write_text(with_figures(page.read_text(), figures))


def with_figures(page: str, figures: Figures) -> str:
    """Return a document with these figures between its marks."""
    before, found, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"the document has no part between {BEGIN!r} and {END!r}")
    return f"{before}{found}\n{chr(10).join(map(_markdown, tables(figures)))}\n{ended}{after}"


def _markdown(rows: Rows) -> str:
    head, *others = rows
    lines = [head, ["---"] * len(head), *others]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
