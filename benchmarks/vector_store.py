"""A collection of Milvus beside the same index in the process: build, memory of the server, and one query at a time.

Both have 16 links and search with the ef that each build chose. `--url` names a server that runs already, whose memory
is then not known; without it one is started from the wheel `milvus` (requirements-dev.txt). Memory is that of the
server above its start, or what a process keeps of the index. Vectors are unit vectors around 2,000 centres. A class
has 100 pictures; the split keeps half of all.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import Result, parser, report
from benchmarks.vector_index import DIM, IN_CLASS, K, in_turns, stored, write_vectors
from mlcore.errors import EngineAway
from mlcore.index import Codes, build_index, load_index
from mlcore.index.engine import SearchableVectors, VectorEngine, open_engine
from mlcore.index.engine_build import build_in_engine, open_collection

START_SECONDS = 120
COLLECTION = "kindred_benchmark"
MADE: dict[str, Any] = {"model_sha256": "0" * 64, "preprocessing": {"size": 224}}


def main() -> None:
    """Print a row a size and engine."""
    options = parser(__doc__)
    options.add_argument("--counts", type=int, nargs="+", default=[100_000, 400_000], help="of vectors")
    options.add_argument("--queries", type=int, default=500, help="searched one at a time (default: 500)")
    options.add_argument("--url", default="", help="of a server that runs, as VECTOR_STORE_URL")
    chosen = options.parse_args()
    if chosen.quick:
        chosen.counts, chosen.queries = [2_000], 50
    found: dict[str, Result] = {}
    with tempfile.TemporaryDirectory() as name, served(chosen.url, Path(name)) as (engine, server):
        empty = resident_mib(server)
        for count in chosen.counts:
            write_vectors(Path(name), count)
            found |= compared(engine, Path(name), count, chosen.queries)
            if server:
                found[f"milvus, {count}"]["memory_mib"] = round(resident_mib(server) - empty)
            engine.drop(COLLECTION)
    notes = [note_of(found, count) for count in chosen.counts]
    report(found, notes, as_json=chosen.json)


def note_of(found: dict[str, Result], count: int) -> str:
    """Return what the figures of a size mean."""
    ratio = found[f"milvus, {count}"]["plain_ms"] / found[f"hnswlib, {count}"]["plain_ms"]
    return f"{count:,} x {DIM}: a search takes {ratio:.0f} x the time of one in the process"


@contextmanager
def served(url: str, folder: Path) -> Iterator[tuple[VectorEngine, int]]:
    """Yield a server, and its process if it was started here, else 0."""
    if url:
        yield open_engine(url), 0
        return
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    engine = open_engine(f"milvus://127.0.0.1:{port}")
    server = str(Path(sys.executable).with_name("milvus-server"))
    command = [server, "--data", str(folder / "milvus"), "--proxy-port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        _await(engine)
        yield engine, process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await(engine: VectorEngine) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return engine.check()
        except EngineAway:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def compared(engine: VectorEngine, folder: Path, count: int, queries: int) -> dict[str, Result]:
    """Build and search one size in both."""
    codes = Codes.of(np.arange(count) // IN_CLASS, ["train", "test"] * (count // 2))
    rows, ids = stored(folder, count)[:count], np.arange(count)
    begun = time.perf_counter()
    manifest = build_in_engine(engine, COLLECTION, folder / f"milvus-{count}", rows, ids, codes=codes, **MADE)
    in_engine = {"build_s": round(time.perf_counter() - begun, 1), "recall": manifest.recall, "ef": manifest.ef}
    begun = time.perf_counter()
    local = build_index(folder / f"hnswlib-{count}", rows, ids, codes=codes, **MADE)
    in_process = {"build_s": round(time.perf_counter() - begun, 1), "recall": local.recall, "ef": local.ef}
    in_process["memory_mib"] = round(local.resident_bytes / 2**20)
    pair = {"milvus": open_collection(engine, manifest), "hnswlib": load_index(folder / f"hnswlib-{count}")}
    milliseconds = searched(pair, folder, count, queries)
    return {
        f"milvus, {count}": in_engine | milliseconds["milvus"],
        f"hnswlib, {count}": in_process | milliseconds["hnswlib"],
    }


def searched(pair: Mapping[str, SearchableVectors], folder: Path, count: int, queries: int) -> dict[str, Result]:
    """Return the median milliseconds of a search of each: of all, with itself left out, of a class, and of a split."""
    random = np.random.default_rng(1)
    own = np.sort(random.integers(count, size=queries))
    near = stored(folder, count)[own] + 0.3 * random.standard_normal((queries, DIM), np.float32)
    units = near / np.linalg.norm(near, axis=1, keepdims=True)
    sides: dict[str, Callable[[int], object]] = {}
    for name, index in pair.items():
        classes = [index.filtered([label], None) for label in range(min(50, count // IN_CLASS))]
        half = index.filtered(None, ["train"])
        sides[f"{name} plain"] = partial(one_search, index, units)
        sides[f"{name} excluded"] = partial(one_search, index, units, own=own)
        sides[f"{name} class"] = partial(one_search, index, units, filters=classes)
        sides[f"{name} split"] = partial(one_search, index, units, filters=[half])
    times = in_turns(sides, queries)
    return {
        name: {f"{what}_ms": round(times[f"{name} {what}"], 3) for what in ("plain", "excluded", "class", "split")}
        for name in pair
    }


def one_search(
    index: SearchableVectors, units: Any, turn: int, *, own: Any = None, filters: Sequence[Any] = (None,)
) -> None:
    """Search once; own: the picture of each turn, which is left out."""
    exclude = [] if own is None else [int(own[turn])]
    index.nearest(units[turn], K, allowed=filters[turn % len(filters)], exclude=exclude)


def resident_mib(leader: int) -> float:
    """Return the resident memory of a process group; 0 without one."""
    pages = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            if leader and int(stat.read_text().rpartition(")")[2].split()[2]) == leader:
                pages += int((stat.parent / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
