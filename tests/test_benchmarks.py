"""Benchmarks run at tiny sizes, so that they cannot rot; what they measure then means nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.million import STEPS
from benchmarks.proxy_heads import PEERS
from benchmarks.ratings import ALPHA, COVERED, ORDERED, RATERS
from benchmarks.stopping import DESIGNS
from mlcore.losses import LOSSES

PROXY_LOSSES = [name for name, spec in LOSSES.items() if spec.has_proxies]
ROOT = Path(__file__).resolve().parents[1]
SIDES = {
    "class_names": {"list", "table", "table, full size"},
    "million": {f"{step}, 200" for step in STEPS},
    "ratings": {*COVERED, *ALPHA, *ORDERED, *(f"repeats, {kind}" for kind in RATERS), "a page of many ballots"},
    "proxy_heads": set(PROXY_LOSSES) | {f"{name}, peer" for name in PEERS},
    "search_path": {"torch, forward pass", "ONNX Runtime, forward pass", "this code", "minimal server"},
    "soft_triple_head": {"ours", "peer", "ours, full size"},
    "statistics": {
        *(
            f"{what}, 3 seeds, 10 classes, r {noise}"
            for noise in (0, 1, 2)
            for what in (
                "any false of 45",
                "any false of 15 among 30 true",
                "best row missed",
                "any interval missed",
                "power at 2.5 errors",
            )
        ),
        "uneven: any false of 45, 3 seeds, 10 classes",
        *(f"few seeds: any false of 45, 2 seeds, 10 classes, r {noise}" for noise in (1, 2, 4)),
        *(
            f"interval of a row holds, {name}, 8 classes, spread {spread}"
            for name in ("recall_at_1", "map_at_r")
            for spread in (0.5, 1)
        ),
        "50 rows that differ everywhere",
        "one seed, r 2",
    },
    "stopping": set(DESIGNS),
    "training_speed": {"48 px, ours", "48 px, peer-0"},
    "two_processes": {"multi_similarity"},
    "vector_index": {"build, 2000", "grow, 2000", "search, 2000"},
}


def run(name: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


# tests.mlcore.training.test_distributed starts two processes as well; most tests of mlcore are a training.
# tests.mlcore.losses trains each proxy loss, and the head of SoftTriple is a benchmark of the same parts.
# tests.test_class_names asserts what pages cost, test_search_cost what a search does; each step of a million is a
# process that loads the site.
LONG = dict.fromkeys(
    ["proxy_heads", "two_processes", "training_speed", "class_names", "million", "search_path"], [pytest.mark.full]
)


@pytest.mark.parametrize("name", [pytest.param(name, marks=LONG.get(name, ())) for name in SIDES])
def test_a_benchmark_gives_a_row_for_each_side(name: str) -> None:
    ended = run(name, "--json")
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    assert found["figures"].keys() == SIDES[name]
    assert all(value is not None for row in found["figures"].values() for value in row.values())
    assert found["notes"]


def test_both_sides_of_the_ranking_benchmark_measure_the_same() -> None:
    figures = json.loads(run("ranking_metrics", "--json").stdout)["figures"]
    assert figures.keys() == {"ours", "peer"}
    for name in ("p_at_1", "r_precision", "map_at_r"):
        assert figures["ours"][name] == pytest.approx(figures["peer"][name], abs=0.005)


def test_without_a_gpu_the_gpu_benchmark_says_so() -> None:
    ended = run("gpu_training")
    assert ended.returncode == 2
    assert "no GPU here" in ended.stderr


@pytest.mark.full
def test_pages_are_measured_as_an_admin_sees_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"KINDRED_VAR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}"}.items():
        monkeypatch.setenv(name, value)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
    nobody = run("pages", "--json")
    assert nobody.returncode == 1 and "run `make demo` first" in nobody.stderr
    word = {"DJANGO_SUPERUSER_PASSWORD": "quite-a-good-passphrase"}
    make = [
        sys.executable,
        "manage.py",
        "createsuperuser",
        "--noinput",
        "--email=ada@example.org",
        "--display_name=Ada",
    ]
    subprocess.run(make, cwd=ROOT, check=True, env={**os.environ, **word})
    figures = json.loads(run("pages", "--json").stdout)["figures"]
    assert {"search", "leaderboard", "lab"} <= figures.keys() and figures["lab"]["ms"] > 0
