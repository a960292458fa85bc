"""Tuning spends the same on every loss, never looks at the test half, and goes on as if not interrupted."""

import fcntl
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.artifacts import read_json, write_json
from mlcore.cli import main
from mlcore.comparison import tuning
from mlcore.comparison.plan import Comparison, Tuning
from mlcore.comparison.running import run_comparison
from mlcore.comparison.tuning import PROXY_RATE, best_of, freed, run_tuning, search_range, trial_spec, tune
from mlcore.comparison.workspace import ComparisonWorkspace
from mlcore.datasets import DatasetFolder
from mlcore.errors import ComparisonError, Stopped
from mlcore.losses import LOSSES, LossSpec
from tests.mlcore.tiny import head_protocol

LOSS = "soft_triple"


def comparison(trials: int = 3, **changes: Any) -> Comparison:
    fields: dict[str, Any] = {
        "name": "tuned",
        "protocol": head_protocol(epochs=1, dim=4),
        "losses": {LOSS: LOSSES[LOSS].checked({})},
        "seeds": (0,),
        "tuning": Tuning(trials=trials, validation_classes=2),
    }
    return Comparison(**{**fields, **changes})


@pytest.fixture
def workspace(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> ComparisonWorkspace:
    return ComparisonWorkspace(tmp_path / "comparison", wings, None, cache_root)


def trials_of(workspace: ComparisonWorkspace) -> list[dict[str, Any]]:
    measured: list[dict[str, Any]] = read_json(workspace.tuning(LOSS))["measured"]
    return measured


@pytest.fixture(autouse=True)
def folder(workspace: ComparisonWorkspace) -> None:
    (workspace.folder / "tuning").mkdir(parents=True)


def test_parameters_that_do_not_go_together_are_drawn_again(
    workspace: ComparisonWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The larger the lower margin the better: the estimator is drawn to where the upper one is below it.
    monkeypatch.setattr(
        tuning, "_measured", lambda *arguments: {"map_at_r": arguments[3]["params"]["positive_margin"], "error": ""}
    )
    refused = []
    checked = LossSpec.checked

    def counting(spec: LossSpec, params: Any) -> Any:
        try:
            return checked(spec, params)
        except ValueError as error:
            refused.append(str(error))
            raise

    asked = comparison(trials=25, losses={"contrastive": {}})
    monkeypatch.setattr(LossSpec, "checked", counting)
    tune(workspace, asked, "contrastive")
    trials = read_json(workspace.tuning("contrastive"))["measured"]
    assert len(trials) == 25
    assert all(trial["params"]["negative_margin"] > trial["params"]["positive_margin"] for trial in trials)
    assert refused and "negative_margin must be above positive_margin" in refused[0]


@pytest.mark.parametrize("loss", LOSSES)
def test_every_parameter_is_searched_around_its_default_and_where_it_is_legal(loss: str) -> None:
    for name, parameter in LOSSES[loss].parameters.items():
        found = search_range(parameter)
        assert found.low <= parameter.default <= found.high and found.low < found.high, name
        assert not found.log or found.low > 0, name
        for value in (found.low, found.high):
            parameter.checked(name, value)
    assert (PROXY_RATE in freed(comparison(), loss)) == LOSSES[loss].has_proxies


@pytest.mark.parametrize("power", [1, 2])
def test_a_choice_between_formulas_is_not_tuned_but_kept(
    workspace: ComparisonWorkspace, monkeypatch: pytest.MonkeyPatch, power: int
) -> None:
    monkeypatch.setattr(tuning, "_measured", lambda *arguments: {"map_at_r": 0.5, "error": ""})
    asked = comparison(trials=4, losses={"contrastive": {"power": power}})
    assert freed(asked, "contrastive").keys() == {"positive_margin", "negative_margin"}
    tune(workspace, asked, "contrastive")
    trials = read_json(workspace.tuning("contrastive"))["measured"]
    assert [trial["params"]["power"] for trial in trials] == [power] * 4


def test_the_first_trial_is_the_loss_as_it_is_and_the_best_is_at_least_as_good(workspace: ComparisonWorkspace) -> None:
    tune(workspace, comparison(), LOSS)
    first, *others = trials_of(workspace)
    assert first["params"] == comparison().losses[LOSS] and first[PROXY_RATE] == 10.0
    assert len(others) == 2 and all(trial["params"] != first["params"] for trial in others)
    assert best_of(read_json(workspace.tuning(LOSS)), LOSS)["map_at_r"] == max(
        trial["map_at_r"] for trial in trials_of(workspace)
    )


def test_an_interrupted_tuning_ends_like_one_that_was_not(workspace: ComparisonWorkspace, tmp_path: Path) -> None:
    whole = replace(workspace, folder=tmp_path / "whole")
    (whole.folder / "tuning").mkdir(parents=True)
    tune(whole, comparison(), LOSS)
    asked: list[int] = []

    def should_stop() -> bool:
        asked.append(0)
        return workspace.tuning(LOSS).exists() and len(trials_of(workspace)) == 2

    with pytest.raises(Stopped):
        tune(workspace, comparison(), LOSS, should_stop=should_stop)
    kept = trials_of(workspace)
    assert len(kept) == 2
    tune(workspace, comparison(), LOSS)
    assert trials_of(workspace)[:2] == kept and trials_of(workspace) == trials_of(whole)


def test_no_label_of_the_test_half_moves_a_trial(
    workspace: ComparisonWorkspace, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    test = wings.rows("test")
    labels = np.random.default_rng(0).permutation([wings.pictures[row].label for row in test])
    shuffled = dict(zip(test.tolist(), labels.tolist(), strict=True))
    pictures = tuple(
        replace(picture, label=shuffled.get(row, picture.label)) for row, picture in enumerate(wings.pictures)
    )
    other = replace(workspace, folder=tmp_path / "other", dataset=replace(wings, pictures=pictures))
    (other.folder / "tuning").mkdir(parents=True)
    for one in (workspace, other):
        tune(one, comparison(2), LOSS)
    assert trials_of(workspace) == trials_of(other)


def test_a_trial_holds_training_classes_out_and_is_measured_on_them() -> None:
    values = {"params": {"centers": 2}, PROXY_RATE: 3.0}
    spec = trial_spec(comparison(), LOSS, values)
    assert (spec.measured_on, spec.protocol.validation_classes, spec.protocol.proxy_rate_factor) == (
        "validation",
        2,
        3.0,
    )
    folded = comparison(protocol=head_protocol(folds=2), tuning=Tuning(trials=1))
    assert (trial_spec(folded, LOSS, values).fold, trial_spec(folded, LOSS, values).protocol.validation_classes) == (
        0,
        0,
    )


def test_a_trial_whose_loss_is_not_finite_found_nothing_and_the_others_go_on(
    workspace: ComparisonWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlcore.losses.soft_triple import SoftTripleLoss

    forward = SoftTripleLoss.forward

    def broken(self: SoftTripleLoss, embeddings: Any, labels: Any) -> Any:
        return forward(self, embeddings, labels) * (float("nan") if self.scale == 20.0 else 1.0)

    monkeypatch.setattr(SoftTripleLoss, "forward", broken)
    tune(workspace, comparison(2), LOSS)
    first, second = trials_of(workspace)
    assert first["map_at_r"] is None and "the loss became nan" in first["error"]
    assert best_of(read_json(workspace.tuning(LOSS)), LOSS) == second


def test_a_tuning_that_measured_nothing_has_no_best(
    workspace: ComparisonWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlcore.losses.soft_triple import SoftTripleLoss

    monkeypatch.setattr(SoftTripleLoss, "forward", lambda self, embeddings, labels: embeddings.sum() * float("nan"))
    tune(workspace, comparison(2), LOSS)
    with pytest.raises(ComparisonError, match="none of the trials of soft_triple could be measured"):
        best_of(read_json(workspace.tuning(LOSS)), LOSS)


def test_trials_of_another_tuning_are_not_taken_over(workspace: ComparisonWorkspace) -> None:
    tune(workspace, comparison(1), LOSS)
    other = comparison(tuning=Tuning(trials=1, validation_classes=2, seed=5))
    with pytest.raises(ComparisonError, match="holds trials of another tuning; choose another folder"):
        tune(workspace, other, LOSS)


def test_tuned_cells_stand_beside_the_untuned(workspace: ComparisonWorkspace) -> None:
    assert run_comparison(workspace, comparison(2)) == {"done": 4, "failed": 0}
    stored = read_json(workspace.folder / "cells" / "soft_triple-s0-tuned" / "model.json")
    assert stored["params"] == best_of(read_json(workspace.tuning(LOSS)), LOSS)["params"]


def test_the_command_does_the_trials_of_one_loss_and_goes_on(
    workspace: ComparisonWorkspace, wings: DatasetFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = workspace.folder / "asked.json"

    def command(trials: int, loss: str = LOSS) -> list[str]:
        tuning = {"trials": trials, "validation_classes": 2}
        protocol = head_protocol(epochs=1, dim=4).to_json()
        write_json(plan, {"name": "mine", "protocol": protocol, "losses": [LOSS], "tuning": tuning})
        shared = ["--data", str(wings.folder), "--cache", str(workspace.cache), "--out", str(workspace.folder / "out")]
        return ["tune", str(plan), "--loss", loss, *shared]

    assert main([*command(2), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["loss"], said["trials"], said["failed"]) == (LOSS, 2, 0)
    assert said["best"] >= said["untuned"] and said["params"].keys() == LOSSES[LOSS].parameters.keys()
    assert main([*command(2), "--events", "jsonl"]) == 0
    assert capsys.readouterr().out == "", "finished trials are never done again"
    assert main(command(2, "n_pairs")) == 1
    assert "mine has no loss 'n_pairs'" in capsys.readouterr().err
    assert main(command(3)) == 1
    assert "holds a comparison with another tuning" in capsys.readouterr().err


def test_a_listener_hears_of_every_trial(workspace: ComparisonWorkspace) -> None:
    heard: list[dict[str, Any]] = []
    tune(workspace, comparison(2), LOSS, on_event=lambda name, event: heard.append(event))
    trials = [event for event in heard if event["event"] == "trial"]
    assert [(event["done"], event["total"]) for event in trials] == [(1, 2), (2, 2)]
    assert [event["map_at_r"] for event in trials] == [trial["map_at_r"] for trial in trials_of(workspace)]


def test_two_processes_never_tune_one_loss_at_once(workspace: ComparisonWorkspace) -> None:
    (workspace.folder / "locks").mkdir()
    with (workspace.folder / "locks" / f"tune-{LOSS}.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ComparisonError, match="another process is tuning soft_triple"):
            run_tuning(workspace, comparison(), LOSS)
