"""Animations of losses on points of a sphere: stored runs, as SVG paths for templates."""

import json
from functools import cache
from pathlib import Path
from typing import TypedDict, TypeVar

FOLDER = Path(__file__).parent / "toys"
"""Made by `python -m mlcore animations`, a file a loss; a test runs two of them again."""

Place = tuple[int, int, int]
T = TypeVar("T")
LITTLE = 0.3
"""Growth of the difference between both mean similarities below which a page says why so little changes."""


class ToyRun(TypedDict):
    """A stored run: frames of points and proxies (x, y, z) in hundredths, and mean similarities, by frame."""

    classes: int
    steps: int
    within: list[float]
    between: list[float]
    points: list[list[Place]]
    proxies: list[list[Place]]


class Paths(TypedDict):
    """SVG paths of a class: points on the near and the far half of the sphere, and proxies."""

    near: str
    far: str
    proxies: str


class Moment(TypedDict):
    """A frame of a run, with the mean similarity within and between classes."""

    title: str
    step: int
    within: float
    between: float
    classes: list[Paths]


class Frames(TypedDict):
    """All frames, for the script that plays them."""

    classes: int
    points: list[list[Place]]
    proxies: list[list[Place]]


class Picture(TypedDict):
    """Drawings of a run at its start, middle and end, the paths between, and all frames."""

    moments: list[Moment]
    trails: list[str]
    frames: Frames
    barely_moves: bool


@cache
def run_of(loss: str) -> ToyRun | None:
    """Return the stored run of a loss; None without one."""
    file = FOLDER / f"{loss}.json"
    if not file.exists():
        return None
    stored = json.loads(file.read_text())
    points, proxies = ([_places(frame) for frame in stored[name]] for name in ("points", "proxies"))
    run: ToyRun = stored | {"points": points, "proxies": proxies}
    return run


def _places(numbers: list[int]) -> list[Place]:
    return list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))


@cache
def picture_of(loss: str) -> Picture | None:
    """Return the drawings of a loss's run; None without a run."""
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
        "frames": {"classes": run["classes"], "points": run["points"], "proxies": run["proxies"]},
        "barely_moves": _apart(run, last) - _apart(run, 0) < LITTLE,
    }


def _apart(run: ToyRun, at: int) -> float:
    return run["within"][at] - run["between"][at]


@cache
def thumbnail_of(loss: str) -> list[Paths] | None:
    """Return the last frame of a loss's run, by class; None without a run."""
    run = run_of(loss)
    return None if run is None else _drawn(run, len(run["points"]) - 1)


def similarities_of(loss: str) -> tuple[float, float] | None:
    """Return the mean similarity within and between classes at the end of a loss's run; None without a run."""
    run = run_of(loss)
    return None if run is None else (run["within"][-1], run["between"][-1])


def _drawn(run: ToyRun, at: int) -> list[Paths]:
    """Return the paths of each class at a frame."""
    points, proxies = (_by_class(frames[at], run["classes"]) for frames in (run["points"], run["proxies"]))
    return [
        {
            "near": _dots([place for place in own if place[2] >= 0]),
            "far": _dots([place for place in own if place[2] < 0]),
            "proxies": _diamonds(held),
        }
        for own, held in zip(points, proxies, strict=True)
    ]


def _by_class(rows: list[T], classes: int) -> list[list[T]]:
    each = len(rows) // classes
    return [rows[label * each : (label + 1) * each] for label in range(classes)]


def _dots(places: list[Place]) -> str:
    """Return lines of no length, which round ends make dots: far shorter than as many circles."""
    return "".join(f"M{x} {-y}h0" for x, y, _ in places)


def _diamonds(places: list[Place]) -> str:
    return "".join(f"M{x - 6} {-y}l6-6 6 6-6 6z" for x, y, _ in places)


def _ways(ways: list[tuple[Place, ...]]) -> str:
    return "".join("M" + "L".join(f"{x} {-y}" for x, y, _ in way) for way in ways)
