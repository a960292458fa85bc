"""A loss needs nothing but its module and its row in the table: whatever walks the table takes it."""

import json
from pathlib import Path

import pytest

from mlcore.cli import main
from mlcore.comparison.plan import read_comparison
from mlcore.datasets import DatasetFolder
from mlcore.errors import CheckpointError
from mlcore.losses.loss_animation import CLASSES, FRAMES, PER_CLASS, animate_loss
from mlcore.training.collapse import collapse_warnings
from mlcore.training.estimate import StepTimes
from mlcore.training.train import train
from tests.mlcore.losses.test_table import test_every_loss_learns_a_toy_problem as learns_a_toy_problem
from tests.mlcore.tiny import paths_in, tiny_protocol, tiny_spec
from tests.mlcore.training.test_estimate import RATES


def test_the_command_line_lists_it(planted_loss: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["losses", "--json"]) == 0
    row = {row["name"]: row for row in json.loads(capsys.readouterr().out)}[planted_loss]
    assert row["title"] == "Planted loss" and row["weight"] == 2.0


def test_it_learns_and_is_animated_whatever_it_costs_at_best(planted_loss: str) -> None:
    learns_a_toy_problem(planted_loss)
    assert animate_loss(planted_loss).points.shape == (FRAMES, CLASSES * PER_CLASS, 3)


def test_it_is_trained_and_warned_of(planted_loss: str, wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    assert train(tiny_spec(planted_loss, epochs=1), wings, paths_in(tmp_path, cache_root))["map_at_r"] > 0
    collapsed = {"positive_cosine": 1.0, "negative_cosine": 1.0}
    assert len(collapse_warnings(planted_loss, collapsed, collapsed)) == 1


def test_a_comparison_of_all_losses_has_it(planted_loss: str, tmp_path: Path) -> None:
    file = tmp_path / "comparison.json"
    file.write_text(json.dumps({"name": "all", "protocol": tiny_protocol().to_json(), "losses": "all"}))
    assert read_comparison(file).losses[planted_loss] == {"weight": 2.0}


def test_times_that_were_measured_before_it_are_measured_again(planted_loss: str) -> None:
    with pytest.raises(CheckpointError, match="measure again"):
        StepTimes.from_json(RATES.to_json())
