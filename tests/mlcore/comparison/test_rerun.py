"""A finished comparison runs again from its file, and what moved is told from noise."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlcore.artifacts import read_json, write_json
from mlcore.comparison.plan import Comparison
from mlcore.comparison.rerun import EQUAL, MOVED, WITHIN, Difference, differences, part_of, read_finished
from mlcore.comparison.running import run_comparison
from mlcore.comparison.workspace import ComparisonWorkspace
from mlcore.datasets import DatasetFolder
from mlcore.errors import ComparisonError
from tests.mlcore.tiny import head_protocol


def comparison(**changes: Any) -> Comparison:
    protocol = head_protocol(epochs=1, dim=8)
    return Comparison(**{"name": "again", "protocol": protocol, "losses": {"n_pairs": {}}, "seeds": (0, 1), **changes})


@pytest.fixture(scope="module")
def finished(wings: DatasetFolder, tmp_path_factory: pytest.TempPathFactory, cache_root: Path) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "first"
    run_comparison(ComparisonWorkspace(folder, wings, None, cache_root), comparison())
    return folder


Rerun = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def rerun(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> Rerun:
    def command(file: Path, *words: str) -> subprocess.CompletedProcess[str]:
        base = [sys.executable, "-m", "mlcore", "rerun", str(file), "--data", str(wings.folder)]
        base += ["--out", str(tmp_path / "second"), "--cache", str(cache_root), "--json", *words]
        return subprocess.run(base, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})

    return command


def test_a_rerun_gives_every_figure_again(finished: Path, rerun: Rerun) -> None:
    done = rerun(finished / "comparison.json")
    assert done.returncode == 0, done.stderr
    assert '"equal": 24' in done.stdout and '"moved": 0' in done.stdout  # 4 cells, 6 figures


def test_a_figure_that_moved_by_more_than_the_noise_is_named_and_fails_the_command(
    finished: Path, rerun: Rerun, tmp_path: Path
) -> None:
    plan, cells = read_json(finished / "comparison.json"), read_finished(finished / "comparison.json")[1]
    for seed in (0, 1):
        cells[f"n_pairs-s{seed}"]["map_at_r"] -= 0.3
    write_json(tmp_path / "report.json", {"comparison": plan, "cells": cells})
    done = rerun(tmp_path / "report.json", "--seeds", "0")
    assert done.returncode == 4, done.stderr
    assert "n_pairs-s0 map_at_r: " in done.stderr and ", moved (" in done.stderr


def cell(map_at_r: float) -> dict[str, Any]:
    return {
        "recall_at": {"1": 0.5},
        "r_precision": 0.4,
        "map_at_r": map_at_r,
        "intervals": {"recall_at_1": [0.4, 0.6], "r_precision": [0.3, 0.5], "map_at_r": [0.25, 0.35]},
    }


def test_noise_is_twice_the_deviation_over_seeds_or_half_the_interval_of_one_seed() -> None:
    both = {"n_pairs-s0": cell(0.30), "n_pairs-s1": cell(0.32)}  # sd 0.01414
    found = differences(comparison(), both, {"n_pairs-s0": cell(0.33)})
    moved = next(one for one in found if one.figure == "map_at_r")
    assert moved.noise == pytest.approx(2 * 0.0141421356) and moved.conclusion == MOVED
    single = differences(comparison(), {"n_pairs-s0": cell(0.30)}, {"n_pairs-s0": cell(0.33)})
    assert [one.conclusion for one in single] == [WITHIN, EQUAL, EQUAL]


@pytest.mark.parametrize(("now", "conclusion"), [(0.5, EQUAL), (0.55, WITHIN), (0.45, WITHIN), (0.62, MOVED)])
def test_equal_is_to_the_last_bit(now: float, conclusion: str) -> None:
    assert Difference("c", "f", 0.5, now, 0.1).conclusion == conclusion


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "holds no comparison"),
        ({"cells": {"a": {}}}, "holds no comparison"),
        ({"protocol": {}}, "no finished cell"),
    ],
)
def test_a_file_that_is_no_finished_comparison_is_refused(tmp_path: Path, values: Any, message: str) -> None:
    write_json(tmp_path / "comparison.json", values)
    with pytest.raises(ComparisonError, match=message):
        read_finished(tmp_path / "comparison.json")


def test_a_part_names_losses_and_seeds_that_are_there() -> None:
    assert part_of(comparison(), [], [1]).seeds == (1,)
    for losses, seeds in ((["soft_triple"], []), ([], [7])):
        with pytest.raises(ComparisonError, match="again has no .*; it has n_pairs, 0, 1"):
            part_of(comparison(), losses, seeds)
