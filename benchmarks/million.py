"""A site with a million pictures: time and memory of what people and jobs do there, and how both grow.

Every step runs in a process of its own, at each count, over one SQLite file: import, index, search, filter, hide, the
search after it, the catalogue that a job then writes, a map, and the deletion of all. The vectors are 128-d, drawn in
clusters, easy to tell apart and hard. What is skipped: no file is read, decoded or hashed, as the catalogue is drawn;
so the import has rows and catalogue alone, the models have no network, and a deletion finds no file. Near-duplicates
and all ranking metrics run at so many held-out pictures, 100,000 at most: they compare each with each.
"""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import million_steps as steps
from benchmarks.class_names import place_site
from benchmarks.measuring import Result, answer, measure_sides, parser, report

MOST_COMPARED = 100_000
BOUNDS = {"search, easy": ("p95_ms", 10.0), "search, hard": ("p95_ms", 10.0), "hide": ("p50_ms", 200.0)}
"""What must hold at the largest count: the index's part of a search, and a request that hides a picture."""

Step = Callable[[int], Result]
STEPS: dict[str, Step] = {
    "import": steps.import_rows,
    **{f"index, {kind}": partial(steps.index, kind) for kind in steps.KINDS},
    **{f"search, {kind}": partial(steps.search, kind, {}) for kind in steps.KINDS},
    "filter by split": partial(steps.search, "hard", {"splits": ["test"]}),
    "filter by class": partial(steps.search, "hard", {"classes": 3}),
    "hide": steps.hide,
    "search after hiding": partial(steps.search, "hard", {}),
    "catalogue": steps.catalogue,
    "map": steps.make_map,
    "delete": steps.delete,
    "metrics": steps.metrics,
    "near-duplicates": steps.near_duplicates,
}
COMPARING = ("metrics", "near-duplicates")


def main() -> None:
    """Print seconds and memory of each step at each count, and the law that they follow."""
    options = parser(__doc__)
    options.add_argument("--counts", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    options.add_argument("--count", type=int, default=0, help="of the one side that a child process measures")
    options.add_argument("--steps", nargs="+", choices=list(STEPS), default=list(STEPS))
    options.add_argument("--page", action="store_true", help="write million.md and million.svg beside this file")
    chosen = options.parse_args()
    if chosen.side:
        sides: dict[str, Callable[[], Result]] = {name: partial(step, chosen.count) for name, step in STEPS.items()}
        return answer(sides, chosen.side)
    counts = [200] if chosen.quick else sorted(set(chosen.counts))
    found = {count: measured(count, chosen.steps) for count in counts}
    figures = {f"{name}, {count:,}": row for count, rows in found.items() for name, row in rows.items()}
    laws = {name: law_of({count: rows[name] for count, rows in found.items()}) for name in chosen.steps}
    notes = [sentence(law) for law in laws.items() if law[1]] + kept_bounds(found[counts[-1]])
    report(figures, notes, as_json=chosen.json)
    if chosen.page:
        from benchmarks.million_page import write_page

        write_page(Path(__file__).parent, found, laws)


def measured(count: int, names: Sequence[str]) -> dict[str, Result]:
    """Return the figures of the steps at a count, each in a process of its own, on a site of their own."""
    with tempfile.TemporaryDirectory() as folder:
        place_site(Path(folder))
        os.environ["CELERY_BROKER_URL"] = "memory://"
        found: dict[str, Result] = {}
        for name in names:
            size = min(count, MOST_COMPARED) if name in COMPARING else count
            found |= measure_sides("benchmarks.million", [name], 1, ["--count", str(size)])
            found[name]["above_start_mib"] = round(max(0.1, found[name]["peak_mib"] - found[name].pop("start_mib")), 1)
    return found


def law_of(rows: Mapping[int, Result]) -> dict[str, float]:
    """Return the exponents of count in seconds and memory: the slopes by least squares of their logarithms."""
    names = {"seconds": "time", "above_start_mib": "memory"}
    if len({row["count"] for row in rows.values()}) < 2:
        return {}
    counts = np.log([row["count"] for row in rows.values()])
    return {
        title: round(float(np.polyfit(counts, np.log([row[name] for row in rows.values()]), 1)[0]), 2)
        for name, title in names.items()
    }


def sentence(law: tuple[str, Mapping[str, float]]) -> str:
    """Return a law in words."""
    name, exponents = law
    return f"{name}: " + ", ".join(f"{what} ~ count^{value:.2f}" for what, value in exponents.items())


def kept_bounds(found: Mapping[str, Result]) -> list[str]:
    """Return a line for each bound: what was seen, and what must hold."""
    return [
        f"{step}: {what} {found[step][what]:.2f} (at most {most:g})"
        for step, (what, most) in BOUNDS.items()
        if step in found
    ]


if __name__ == "__main__":
    main()
