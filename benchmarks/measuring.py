"""How every benchmark measures: each side in a process of its own, in turns, medians over the repeats."""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
Result = dict[str, Any]


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return the options that every benchmark has."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    options.add_argument("--quick", action="store_true", help="tiny sizes: shows that it runs, measures nothing")
    options.add_argument("--repeats", type=int, default=3, help="turns of each side (default: 3)")
    options.add_argument("--side", help=argparse.SUPPRESS)  # what a child process measures
    return options


def measure_sides(module: str, sides: Sequence[str], repeats: int, arguments: Sequence[str]) -> dict[str, Result]:
    """Run `module --side SIDE` for each side in turns, A B A B; return the median of every number."""
    results: dict[str, list[Result]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side in sides:
            results[side].append(_measured(module, side, arguments))
    return {side: _medians(found) for side, found in results.items()}


def run_sides(sides: Mapping[str, Callable[[], Result]]) -> dict[str, Result]:
    """Run each side once in this process: what shows that it runs, where starting Python would take the longest."""
    return {side: {**result(), "peak_mib": round(peak_mib(), 1)} for side, result in sides.items()}


def answer(sides: Mapping[str, Callable[[], Result]], side: str) -> None:
    """In a child process: measure one side and say so, with the peak memory of the process."""
    result = sides[side]()
    print(json.dumps({**result, "peak_mib": round(peak_mib(), 1)}))


def peak_mib() -> float:
    """Return the most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(figures: Mapping[str, Mapping[str, Any]], notes: Sequence[str], *, as_json: bool) -> None:
    """Print a row a side and the notes below."""
    if as_json:
        document = {"figures": figures, "notes": list(notes), "processor": processor(), "load": os.getloadavg()[0]}
        print(json.dumps(document, indent=1))
        return
    columns = list(dict.fromkeys(name for row in figures.values() for name in row))
    width = max(len(name) for name in figures)
    print(" " * width, *(f"{name:>18}" for name in columns))
    for name, row in figures.items():
        print(f"{name:{width}}", *(f"{row.get(column, '')!s:>18}" for column in columns))
    load = f"load average when done: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(*notes, f"processor: {processor()}", load, sep="\n")


def processor() -> str:
    """Return the processor's name, and the widest of the instructions that figures depend on."""
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    values = {name.strip(): value.strip() for name, _, value in lines}  # of the last core: all are alike
    flags = values.get("flags", "").split()
    widest = next((flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if flag in flags), "no AVX2")
    return f"{values.get('model name', platform.machine())}, {widest}"


def _measured(module: str, side: str, arguments: Sequence[str]) -> Result:
    command = [sys.executable, "-m", module, "--side", side, *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{ended.stderr}")
    result: Result = json.loads(ended.stdout.splitlines()[-1])
    return result


def _medians(results: Sequence[Result]) -> Result:
    return {
        name: round(median(result[name] for result in results), 4) if isinstance(value, int | float) else value
        for name, value in results[0].items()
    }
