"""The small pictures of how a loss moves points: stored runs, turned into SVG paths that templates draw."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "toys"
"""Made by `python -m mlcore animations`, a file a loss; a test runs two of them again."""

Place = tuple[int, int, int]


@cache
def run_of(loss: str) -> dict[str, Any] | None:
    """Return the stored run of a loss, its frames lists of places (x, y, z) in hundredths; None without one."""
    file = FOLDER / f"{loss}.json"
    if not file.exists():
        return None
    run: dict[str, Any] = json.loads(file.read_text())
    for name in ("points", "proxies"):
        run[name] = [_places(frame) for frame in run[name]]
    return run


def _places(numbers: list[int]) -> list[Place]:
    return list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))


@cache
def picture_of(loss: str) -> dict[str, Any] | None:
    """Return the run of a loss as drawings at its start, middle and end, and the ways between; None without a run."""
    run = run_of(loss)
    if run is None:
        return None
    last = len(run["points"]) - 1
    moments = [
        (title, run["steps"] * at // last, at) for title, at in (("Start", 0), ("Middle", last // 2), ("End", last))
    ]
    return {
        "moments": [
            {
                "title": title,
                "step": step,
                "within": run["within"][at],
                "between": run["between"][at],
                "classes": _drawn(run, at),
            }
            for title, step, at in moments
        ],
        "trails": [_ways(ways) for ways in _by_class(list(zip(*run["points"], strict=True)), run["classes"])],
        "frames": {name: run[name] for name in ("classes", "points", "proxies")},
    }


@cache
def thumbnail_of(loss: str) -> list[dict[str, str]] | None:
    """Return the end of a loss's run alone, by class; None without a run."""
    run = run_of(loss)
    return None if run is None else _drawn(run, len(run["points"]) - 1)


def _drawn(run: dict[str, Any], at: int) -> list[dict[str, str]]:
    """Return the paths of each class at a frame: points on the near and the far half of the sphere, and proxies."""
    points, proxies = (_by_class(run[name][at], run["classes"]) for name in ("points", "proxies"))
    return [
        {
            "near": _dots([place for place in own if place[2] >= 0]),
            "far": _dots([place for place in own if place[2] < 0]),
            "proxies": _diamonds(held),
        }
        for own, held in zip(points, proxies, strict=True)
    ]


def _by_class(rows: list[Any], classes: int) -> list[list[Any]]:
    each = len(rows) // classes
    return [rows[label * each : (label + 1) * each] for label in range(classes)]


def _dots(places: list[Place]) -> str:
    """Return lines of no length, which round ends make dots: far shorter than as many circles."""
    return "".join(f"M{x} {-y}h0" for x, y, _ in places)


def _diamonds(places: list[Place]) -> str:
    return "".join(f"M{x - 6} {-y}l6-6 6 6-6 6z" for x, y, _ in places)


def _ways(ways: list[tuple[Place, ...]]) -> str:
    return "".join("M" + "L".join(f"{x} {-y}" for x, y, _ in way) for way in ways)
