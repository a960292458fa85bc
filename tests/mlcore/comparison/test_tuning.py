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
from mlcore.comparison.search_space import SearchRange, freed
from mlcore.comparison.tuning import run_tuning, trial_specs, tune
from mlcore.comparison.tuning_state import LEARNING_RATE, PROXY_RATE, best_of, current_state
from mlcore.comparison.workspace import ComparisonWorkspace, EventCallback, store_plan
from mlcore.datasets import DatasetFolder
from mlcore.errors import ComparisonError, Stopped
from mlcore.events import Event
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


def outcome(map_at_r: float) -> dict[str, Any]:
    return {"map_at_r": map_at_r, "fold_scores": [map_at_r], "error": ""}


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
    monkeypatch.setattr(tuning, "_measured", lambda *arguments: outcome(arguments[3]["params"]["positive_margin"]))
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


@pytest.mark.parametrize("power", [1, 2])
def test_a_choice_between_formulas_is_not_tuned_but_kept(
    workspace: ComparisonWorkspace, monkeypatch: pytest.MonkeyPatch, power: int
) -> None:
    monkeypatch.setattr(tuning, "_measured", lambda *arguments: outcome(0.5))
    asked = comparison(trials=4, losses={"contrastive": {"power": power}})
    assert freed(asked, "contrastive").keys() == {"positive_margin", "negative_margin", LEARNING_RATE}
    tune(workspace, asked, "contrastive")
    trials = read_json(workspace.tuning("contrastive"))["measured"]
    assert [trial["params"]["power"] for trial in trials] == [power] * 4


def test_the_first_trial_is_the_loss_as_it_is_and_the_best_is_at_least_as_good(workspace: ComparisonWorkspace) -> None:
    tune(workspace, comparison(), LOSS)
    first, *others = trials_of(workspace)
    assert first["params"] == comparison().losses[LOSS] and first[PROXY_RATE] == 10.0
    assert first[LEARNING_RATE] == comparison().protocol.learning_rate
    assert len(others) == 2 and all(trial["params"] != first["params"] for trial in others)
    assert best_of(current_state(read_json(workspace.tuning(LOSS))), LOSS)["map_at_r"] == max(
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


VALUES: Any = {"params": {"centers": 2}, LEARNING_RATE: 0.5, PROXY_RATE: 3.0}


def test_a_trial_holds_training_classes_out_and_is_measured_on_them() -> None:
    [spec] = trial_specs(comparison(), LOSS, VALUES)
    protocol = spec.protocol
    assert (spec.measured_on, spec.fold, protocol.validation_classes, protocol.folds) == ("validation", None, 2, 0)
    assert (protocol.learning_rate, protocol.proxy_rate_factor) == (0.5, 3.0)


@pytest.mark.parametrize(
    ("in_protocol", "in_tuning", "folds", "of"), [(0, 3, [0, 1, 2], 3), (4, 0, [0], 4), (4, 3, [0, 1, 2], 4)]
)
def test_a_trial_is_measured_on_folds_of_its_own_or_on_the_protocols(
    in_protocol: int, in_tuning: int, folds: list[int], of: int
) -> None:
    asked = comparison(protocol=head_protocol(folds=in_protocol), tuning=Tuning(trials=1, folds=in_tuning, seed=4))
    specs = trial_specs(asked, LOSS, VALUES)
    assert [spec.fold for spec in specs] == folds and {spec.protocol.folds for spec in specs} == {of}
    assert {(spec.measured_on, spec.seed, spec.protocol.validation_classes) for spec in specs} == {("validation", 4, 0)}


def test_a_trials_score_is_the_mean_over_its_folds(workspace: ComparisonWorkspace) -> None:
    tune(workspace, comparison(tuning=Tuning(trials=2, folds=2)), LOSS)
    for trial in trials_of(workspace):
        assert len(trial["fold_scores"]) == 2 and trial["map_at_r"] == pytest.approx(np.mean(trial["fold_scores"]))
    first, second = trials_of(workspace)[0]["fold_scores"]
    assert first != second


def test_folds_too_small_to_confuse_anything_are_refused(workspace: ComparisonWorkspace) -> None:
    classes = len(set(workspace.dataset.labels[workspace.dataset.rows("train")].tolist()))
    with pytest.raises(ComparisonError, match=f"give at most {classes // 2} folds"):
        tune(workspace, comparison(tuning=Tuning(trials=1, folds=classes // 2 + 1)), LOSS)


def test_ranges_with_the_best_trial_at_an_edge_are_widened_after_half_of_the_trials(
    workspace: ComparisonWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The larger the learning rate, the better: the best of the first half lies near the upper end.
    monkeypatch.setattr(tuning, "_measured", lambda *arguments: outcome(arguments[3][LEARNING_RATE]))
    monkeypatch.setattr(SearchRange, "is_at_edge", lambda self, value: value > 0.5 * self.high and self.around == 10)
    asked = comparison(trials=40, losses={"n_pairs": {}})
    whole = replace(workspace, folder=tmp_path / "whole")
    (whole.folder / "tuning").mkdir(parents=True)
    tune(whole, asked, "n_pairs")
    state = read_json(whole.tuning("n_pairs"))
    rate = asked.protocol.learning_rate
    assert state["ranges"][LEARNING_RATE] == pytest.approx([rate / 10, rate * 10])
    assert state["widened"] == {LEARNING_RATE: pytest.approx([rate / 100, rate * 100])}
    tried = [trial[LEARNING_RATE] for trial in state["measured"]]
    assert max(tried[:20]) <= rate * 10 < max(tried[20:]) <= rate * 100 * (1 + 1e-9)

    for stop in (19, 20, 21):  # before, at and after the widening
        with pytest.raises(Stopped):
            tune(workspace, asked, "n_pairs", on_event=stopping_after(stop))
    tune(workspace, asked, "n_pairs")
    resumed = read_json(workspace.tuning("n_pairs"))
    assert {**resumed, "seconds": 0} == {**state, "seconds": 0}


def stopping_after(trials: int) -> EventCallback:
    def hear(name: str, event: Event) -> None:
        if event["event"] == "trial" and event["done"] == trials:
            raise Stopped("enough")

    return hear


def test_a_tuning_begun_before_there_were_folds_goes_on_as_it_began(
    workspace: ComparisonWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "_measured", lambda *arguments: outcome(arguments[3]["params"]["scale"]))
    old, asked = Tuning(trials=6, validation_classes=2, design=1), comparison(trials=6, losses={"n_pairs": {}})
    store_plan(workspace, replace(asked, tuning=old))
    plan = read_json(workspace.folder / "comparison.json")
    for name in ("folds", "design"):
        del plan["tuning"][name]
    write_json(workspace.folder / "comparison.json", {**plan, "format": 1})
    trial = {"number": 0, "params": {"scale": 20.0}, PROXY_RATE: None, "map_at_r": 20.0, "error": ""}
    budget = {"trials": 6, "validation_classes": 2, "seed": 0, "ranges": {"scale": [5.0, 80.0]}}
    write_json(workspace.tuning("n_pairs"), {**budget, "measured": [trial], "seconds": 1.0})
    state = run_tuning(workspace, asked, "n_pairs")
    assert len(state["measured"]) == 6 and state["ranges"] == {"scale": [5.0, 80.0]} and state["widened"] is None
    assert [found[LEARNING_RATE] for found in state["measured"]] == [None] * 6
    [spec] = trial_specs(replace(asked, tuning=old), "n_pairs", state["measured"][-1])
    assert spec.protocol.learning_rate == asked.protocol.learning_rate


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
    assert best_of(current_state(read_json(workspace.tuning(LOSS))), LOSS) == second


def test_a_tuning_that_measured_nothing_has_no_best(
    workspace: ComparisonWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlcore.losses.soft_triple import SoftTripleLoss

    monkeypatch.setattr(SoftTripleLoss, "forward", lambda self, embeddings, labels: embeddings.sum() * float("nan"))
    tune(workspace, comparison(2), LOSS)
    with pytest.raises(ComparisonError, match="none of the trials of soft_triple could be measured"):
        best_of(current_state(read_json(workspace.tuning(LOSS))), LOSS)


def test_trials_of_another_tuning_are_not_taken_over(workspace: ComparisonWorkspace) -> None:
    tune(workspace, comparison(1), LOSS)
    other = comparison(tuning=Tuning(trials=1, validation_classes=2, seed=5))
    with pytest.raises(ComparisonError, match="holds trials of another tuning; choose another folder"):
        tune(workspace, other, LOSS)


def test_tuned_cells_stand_beside_the_untuned(workspace: ComparisonWorkspace) -> None:
    assert run_comparison(workspace, comparison(2)) == {"done": 4, "failed": 0}
    stored = read_json(workspace.folder / "cells" / "soft_triple-s0-tuned" / "model.json")
    assert stored["params"] == best_of(current_state(read_json(workspace.tuning(LOSS))), LOSS)["params"]


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
