"""The vector index beside hnswlib itself: speed of a search, memory of a build, and time of growing against building.

Searches of both take turns, one query at a time on one thread, on the same graph at the same ef, so their recall is
the same. Kindred checks the query, brings cosines back, leaves a picture out, and filters by class from stored codes.
Vectors are unit vectors around 2,000 centres. hnswlib has no filter but a Python function, called for each candidate.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.heads import above_start
from benchmarks.measuring import Result, answer, measure_sides, parser, peak_mib, report

DIM, K, EF, IN_CLASS = 128, 12, 50, 100
BATCH = 100_000
MADE = {"model_sha256": "0" * 64, "preprocessing": {"size": 224}}


def main() -> None:
    """Print a row a side: builds, growths and searches at each size."""
    options = parser(__doc__)
    options.add_argument("--counts", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="of vectors")
    options.add_argument("--queries", type=int, default=2000, help="searched one at a time (default: 2000)")
    options.add_argument("--threads", type=int, default=2, help="of builds and growths (default: 2)")
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.quick:
        chosen.counts, chosen.queries, chosen.repeats = [2_000], 100, 1
    sides = {
        f"{name}, {count}": partial(measure, chosen.folder, count, chosen.queries, chosen.threads)
        for count in chosen.counts
        for name, measure in (("build", build), ("grow", grow), ("search", search))
    }
    if chosen.side:
        return answer(sides, chosen.side)
    with tempfile.TemporaryDirectory() as name:
        arguments = ["--folder", name, "--queries", str(chosen.queries), "--threads", str(chosen.threads), "--counts"]
        arguments += map(str, chosen.counts)
        for count in chosen.counts:
            write_vectors(Path(name), count)
        making = [side for side in sides if not side.startswith("search")]
        found = measure_sides("benchmarks.vector_index", making, 1, arguments)
        searches = [side for side in sides if side.startswith("search")]
        found |= measure_sides("benchmarks.vector_index", searches, chosen.repeats, arguments)
    above_start(found)
    report(found, [note for count in chosen.counts for note in notes_of(found, count)], as_json=chosen.json)


def notes_of(found: dict[str, Result], count: int) -> list[str]:
    """Return what the figures of a size mean."""
    built, grown, searched = (found[f"{name}, {count}"] for name in ("build", "grow", "search"))
    vectors = 4 * count * DIM / 2**20
    ratios = ", ".join(
        f"{name} {searched['hnswlib_ms'] / searched[f'{key}_ms']:.2f} x"
        for name, key in (("no filter", "plain"), ("one left out", "excluded"), ("a class", "class"))
    )
    return [
        f"{count:,} x {DIM}: queries/s against hnswlib at ef {EF}: {ratios} (>= 0.8)",
        f"  build: peak {built['above_start_mib'] / vectors:.2f} x the vectors above the start (<= 2.5)",
        f"  adding and deleting 1 %: {grown['seconds'] / built['seconds']:.3f} of the time of a build",
    ]


def write_vectors(folder: Path, count: int) -> None:
    """Write vectors [count, DIM] in batches: they are mapped by every side."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((2000, DIM), np.float32)
    shape = (count + count // 100, DIM)
    rows = np.lib.format.open_memmap(vectors_file(folder, count), mode="w+", dtype=np.float32, shape=shape)
    for start in range(0, shape[0], BATCH):
        part = rows[start : start + BATCH]
        noise = random.standard_normal(part.shape, np.float32)
        part[:] = centres[random.integers(2000, size=len(part))] + 0.7 * noise


def vectors_file(folder: Path, count: int) -> Path:
    """Return the file of the vectors of a size; a hundredth more, to be added."""
    return folder / f"vectors-{count}.npy"


def stored(folder: Path, count: int) -> Any:
    """Return the vectors of a size, mapped."""
    return np.load(vectors_file(folder, count), mmap_mode="r")


def build(folder: Path, count: int, queries: int, threads: int) -> Result:
    """Build an index from nothing."""
    from mlcore.index import Codes, build_index

    start = peak_mib()
    classes = Codes.of(np.arange(count) // IN_CLASS, ["train"] * count)
    rows, ids, begun = stored(folder, count)[:count], np.arange(count), time.perf_counter()
    build_index(folder / f"index-{count}", rows, ids, codes=classes, threads=threads, **MADE)  # type: ignore[arg-type]
    return {"seconds": time.perf_counter() - begun, "start_mib": start}


def grow(folder: Path, count: int, queries: int, threads: int) -> Result:
    """Add a hundredth of the pictures and delete another."""
    from mlcore.index import Codes, grow_index, plan_growth

    start, some, begun = peak_mib(), count // 100, time.perf_counter()
    ids = np.arange(some, count + some)
    plan = plan_growth(folder / f"index-{count}", ids, **MADE)  # type: ignore[arg-type]
    codes = Codes.of(ids // IN_CLASS, ["train"] * count)
    grown = folder / f"grown-{count}"
    grow_index(grown, plan, np.array(stored(folder, count)[plan.added]), codes=codes, threads=threads)
    seconds = time.perf_counter() - begun
    shutil.rmtree(grown)
    return {"seconds": seconds, "start_mib": start}


def search(folder: Path, count: int, queries: int, threads: int) -> Result:
    """Time hnswlib and the index in turns, each turn with other queries: a second look finds the first's cache."""
    from mlcore.index import load_index

    start = peak_mib()
    index = load_index(folder / f"index-{count}")
    index.set_ef(EF)
    graph, codes, random = index.graph, index.codes, np.random.default_rng(1)
    if codes is None:
        raise SystemExit("the index has no codes; build it again")
    own = random.integers(count, size=queries)
    near = stored(folder, count)[np.sort(own)] + 0.3 * random.standard_normal((queries, DIM), np.float32)
    units = [row[None] for row in near / np.linalg.norm(near, axis=1, keepdims=True)]
    subsets = [codes.subset(labels=[label]) for label in range(min(50, count // IN_CLASS))]
    own = np.sort(own)
    sides: dict[str, Callable[[int], object]] = {
        "hnswlib": lambda i: graph.knn_query(units[i], k=K, num_threads=1),
        "plain": lambda i: index.search(units[i], K),
        "excluded": lambda i: index.search(units[i], K, exclude=[int(own[i])]),
        "class": lambda i: index.search(units[i], K, allowed=subsets[i % len(subsets)], exclude=[int(own[i])]),
    }
    figures: Result = {f"{name}_ms": milliseconds for name, milliseconds in in_turns(sides, queries).items()}
    found, exact = index.search(np.vstack(units[:200]), K)[1], index.exact_search(np.vstack(units[:200]), K)[1]
    return {**figures, "recall": float((found >= exact[:, -1:] - 1e-6).mean()), "start_mib": start}


def in_turns(sides: dict[str, Callable[[int], object]], queries: int) -> dict[str, float]:
    """Return the median milliseconds of a call of each side; the one that begins changes with every query."""
    names, times = list(sides), {name: list[float]() for name in sides}
    for turn in range(queries):
        for place in range(len(names)):
            name = names[(turn + place) % len(names)]
            query = (turn + place * queries // len(names)) % queries
            begun = time.perf_counter()
            sides[name](query)
            times[name].append(1000 * (time.perf_counter() - begun))
    return {name: median(measured) for name, measured in times.items()}


if __name__ == "__main__":
    main()
