"""A comparison is checked whole before anything runs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mlcore.comparison.plan import Cell, Comparison, Tuning, read_comparison
from mlcore.errors import ComparisonError, MlcoreError, ProtocolError, UnknownLossError
from mlcore.losses import LOSSES
from tests.mlcore.tiny import head_protocol

STORED = Path(__file__).parent / "report_format_2.json"  # published before contrastive had a power and tuning folds

ASKED: dict[str, Any] = {"name": "two", "preset": "frozen-features", "losses": ["soft_triple", "n_pairs"], "seeds": 2}


def read(folder: Path, **changes: Any) -> Comparison:
    file = folder / "asked.json"
    file.write_text(json.dumps({key: value for key, value in {**ASKED, **changes}.items() if value is not None}))
    return read_comparison(file)


def names(comparison: Comparison) -> list[str]:
    return [cell.name for cell in comparison.cells()]


def test_a_comparison_is_its_losses_times_its_seeds_after_the_two_baselines(tmp_path: Path) -> None:
    assert names(read(tmp_path)) == [
        "untrained-s0",
        "half_whitened_pca-s0",
        "soft_triple-s0",
        "n_pairs-s0",
        "soft_triple-s1",
        "n_pairs-s1",
    ]


def test_folds_and_tuning_multiply_the_cells(tmp_path: Path) -> None:
    comparison = read(tmp_path, seeds=[3], changes={"folds": 2}, losses=["n_pairs"], tuning={"trials": 2})
    assert names(comparison)[2:] == ["n_pairs-s3-f0", "n_pairs-s3-f1", "n_pairs-s3-f0-tuned", "n_pairs-s3-f1-tuned"]
    assert comparison.protocol.name == "frozen-features (changed)"


def test_all_means_every_loss_with_its_parameters_written_out(tmp_path: Path) -> None:
    comparison = read(tmp_path, losses="all")
    assert comparison.losses == {name: spec.checked({}) for name, spec in LOSSES.items()}
    assert read(tmp_path, losses={"soft_triple": {"centers": 2}}).losses["soft_triple"]["centers"] == 2


def test_a_stored_comparison_is_the_same_comparison(tmp_path: Path) -> None:
    comparison = read(tmp_path, tuning={"trials": 5, "validation_classes": 3})
    assert Comparison.from_json(json.loads(json.dumps(comparison.to_json()))) == comparison


def test_a_published_comparison_repeats_the_contrastive_loss_that_it_was_made_with() -> None:
    comparison = Comparison.from_json(json.loads(STORED.read_text())["comparison"])
    assert comparison.losses["contrastive"]["power"] == 2
    found = {"params": {"negative_margin": 0.7, "positive_margin": 0.1}, "proxy_rate_factor": None}
    tuned = comparison.spec_of(Cell("contrastive", 0, tuned=True), found)
    assert tuned.checked().params == {"positive_margin": 0.1, "negative_margin": 0.7, "power": 2}


@pytest.mark.parametrize(
    ("protocol_folds", "asked", "folds"),
    [(0, {}, 3), (0, {"folds": 2}, 2), (0, {"validation_classes": 4}, 0), (4, {}, 0), (4, {"folds": 3}, 3)],
)
def test_a_new_tuning_has_three_folds_unless_classes_are_held_out_otherwise(
    tmp_path: Path, protocol_folds: int, asked: dict[str, int], folds: int
) -> None:
    tuning = read(tmp_path, changes={"folds": protocol_folds}, tuning={"trials": 4, **asked}).tuning
    assert tuning == Tuning(trials=4, validation_classes=asked.get("validation_classes", 0), folds=folds, design=2)
    assert tuning.runs == 4 * max(1, folds)


def test_a_stored_plan_without_folds_means_what_it_meant() -> None:
    stored = json.loads(STORED.read_text())["comparison"]
    assert Comparison.from_json(stored).tuning == Tuning(trials=20, validation_classes=20, folds=0, design=1)


def test_a_tuned_cell_takes_what_was_found_and_nothing_else_changes(tmp_path: Path) -> None:
    comparison = read(tmp_path, tuning={"trials": 5, "validation_classes": 3})
    found = {"params": {"centers": 4}, "learning_rate": 0.5, "proxy_rate_factor": 7.0}
    tuned = comparison.spec_of(Cell("soft_triple", 1, tuned=True), found)
    plain = comparison.spec_of(Cell("soft_triple", 1), found)
    assert (tuned.params["centers"], tuned.protocol.proxy_rate_factor) == (4, 7.0)
    assert tuned.protocol.learning_rate == 0.5
    assert plain.params["centers"] == 10 and plain.protocol == comparison.protocol
    searched = ("proxy_rate_factor", "learning_rate")
    assert tuned.protocol.with_changes(**{name: getattr(plain.protocol, name) for name in searched}) == plain.protocol
    assert tuned.protocol.validation_classes == 0, "the final training learns from all training classes"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"loses": 1}, ComparisonError, "unknown key 'loses'; known: "),
        ({"name": None}, ComparisonError, "must hold an object with at least name and losses"),
        ({"preset": None}, ComparisonError, "names either a preset, perhaps with changes, or a whole protocol"),
        ({"protocol": {}}, ComparisonError, "names either a preset, perhaps with changes, or a whole protocol"),
        ({"preset": "best"}, ProtocolError, "no protocol named 'best'"),
        ({"losses": []}, ComparisonError, "at least one loss"),
        ({"losses": "some"}, ComparisonError, 'losses must be "all", a list of names, or {name: {parameter: value}}'),
        ({"losses": ["untrained"]}, UnknownLossError, "no loss named 'untrained'"),
        ({"losses": {"n_pairs": {"gamma": 1}}}, TypeError, "has no parameter 'gamma'"),
        ({"losses": {"n_pairs": {"scale": 0}}}, ValueError, "scale must be positive"),
        ({"seeds": 0}, ComparisonError, "seeds must be how many"),
        ({"seeds": True}, ComparisonError, "seeds must be how many"),
        ({"seeds": "01"}, ComparisonError, "seeds must be how many"),
        ({"seeds": [1, 1]}, ComparisonError, "seeds must be different numbers from 0, got [1, 1]"),
        ({"seeds": [-1]}, ComparisonError, "seeds must be different numbers from 0, got [-1]"),
        ({"tuning": {}}, ComparisonError, "tuning takes trials, folds or validation_classes, and seed"),
        ({"tuning": {"trials": 1.5}}, ComparisonError, "tuning takes whole numbers"),
        ({"tuning": {"trials": 0, "validation_classes": 5}}, ComparisonError, "at least 1 trial, got 0"),
        (
            {"tuning": {"trials": 3, "validation_classes": 1}},
            ComparisonError,
            "1 validation classes cannot rank trials",
        ),
        ({"tuning": {"trials": 3, "folds": 0}}, ComparisonError, "0 validation classes cannot rank trials"),
        ({"tuning": {"trials": 3, "folds": 1}}, ComparisonError, "0 for one split, or 2 to 20; got 1"),
        ({"changes": {"folds": 3}, "tuning": {"trials": 3, "folds": 4}}, ComparisonError, "2 to the protocol's 3"),
        ({"tuning": {"trials": 3, "folds": 3, "validation_classes": 4}}, ComparisonError, "by themselves; leave"),
        ({"tuning": {"trials": 3, "folds": 3, "design": 3}}, ComparisonError, "design must be 1 to 2, got 3"),
        (
            {"changes": {"folds": 3}, "tuning": {"trials": 3, "validation_classes": 4}},
            ComparisonError,
            "folds hold classes out for tuning; leave validation_classes out",
        ),
        (
            {
                "changes": {"selection": "validation", "validation_classes": 9},
                "tuning": {"trials": 3, "validation_classes": 9},
            },
            ComparisonError,
            "would pick the epoch as well; set selection to last",
        ),
    ],
)
def test_what_could_not_run_to_its_end_is_refused(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        read(tmp_path, **changes)


def test_a_comparison_made_in_code_is_checked_too() -> None:
    with pytest.raises(MlcoreError, match="no loss named 'triplet'"):
        Comparison(name="x", protocol=head_protocol(), losses={"triplet": {}}, seeds=(0,))
    with pytest.raises(ComparisonError, match="at least 1 trial"):
        Comparison(name="x", protocol=head_protocol(), losses={"n_pairs": {}}, seeds=(0,), tuning=Tuning(trials=0))
