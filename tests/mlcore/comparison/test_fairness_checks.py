"""Each known pitfall follows from every row of a report: external models, few classes, tunings that are not whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.comparison.plan import Comparison, Tuning
from mlcore.comparison.report.fairness_checks import FairnessCheck, fairness_checks
from mlcore.comparison.results import EXTERNAL, Results, Row, SeedResult
from mlcore.comparison.tuning_state import TuningState, current_state
from mlcore.evaluation.evaluate import StoredScores
from tests.mlcore.tiny import head_protocol

SETTINGS = "losses at settings that suit some better than others"
INTERVALS = "no intervals, or of few classes"
TUNED = Tuning(trials=2, validation_classes=2)


def row(name: str, loss: str, seeds: int = 2, kind: str = "", classes: int = 10) -> Row:
    labels = np.repeat(np.arange(classes), 2)
    scores = StoredScores(np.arange(len(labels)), labels, {"map_at_r": np.full(len(labels), 0.5)})
    units = {seed: SeedResult({"map_at_r": 0.5}, scores, {}, (Path("run"),), frozenset({8})) for seed in range(seeds)}
    return Row(name, name, loss, False, kind, units)


OURS, THEIRS = row("N-pairs", "n_pairs"), row("their model (external)", "", seeds=1, kind=EXTERNAL)


def trials(*scores: float | None, budget: int = 2, scale: float = 20.0) -> TuningState:
    """Return the state of a tuning of N-pairs with trials of these scores, whose scale was 20 or another."""
    measured = [
        {"number": number, "params": {"scale": scale}, "proxy_rate_factor": None, "map_at_r": score, "error": ""}
        for number, score in enumerate(scores)
    ]
    ranges = {"scale": [5.0, 80.0]}
    about = {"trials": budget, "validation_classes": 2, "seed": 0, "ranges": ranges, "seconds": 1.0}
    return current_state({**about, "measured": measured})


def results(*rows: Row, tuning: Tuning | None = None, state: TuningState | None = None, **changes: Any) -> Results:
    protocol = head_protocol(**{"pooling": "average", **changes})
    comparison = Comparison(name="x", protocol=protocol, losses={"n_pairs": {}}, seeds=(0, 1), tuning=tuning)
    return Results({}, comparison, rows, {}, {}, (), tuning={} if state is None else {"n_pairs": state})


def checks(found: Results) -> dict[str, FairnessCheck]:
    return {check.name: check for check in fairness_checks(found)}


def test_crops_of_external_models_are_undisclosed() -> None:
    name = "undisclosed crops, pooling or BatchNorm"
    assert checks(results(OURS))[name].violated is False
    check = checks(results(OURS, THEIRS))[name]
    assert check.violated and "not those of their model (external)" in check.reason


@pytest.mark.parametrize(
    "name",
    [
        "average + max pooling, where the backbone's own is average",
        "pre-training that may have seen the test classes",
        "epochs chosen on the test classes",
        SETTINGS,
        "batches composed differently",
        "cross-batch memory for some losses only",
    ],
)
def test_what_nobody_told_of_external_models_is_not_known(name: str) -> None:
    whole = {"tuning": TUNED, "state": trials(0.4, 0.5)}
    assert checks(results(OURS, **whole))[name].violated is False
    check = checks(results(OURS, THEIRS, **whole))[name]
    assert check.violated is None and check.reason.endswith("not known of their model (external)")


def test_what_applies_to_the_protocol_applies_beside_external_models_too() -> None:
    check = checks(results(OURS, THEIRS, pooling="average+max"))
    assert check["average + max pooling, where the backbone's own is average"].violated


@pytest.mark.parametrize(
    ("classes", "violated", "reason"),
    [(8, False, "over 8 held-out classes, and"), (7, True, "below 8"), (1, True, "over the queries of one class")],
)
def test_intervals_are_of_so_many_classes(classes: int, violated: bool, reason: str) -> None:
    check = checks(results(row("N-pairs", "n_pairs", classes=classes), row("other", "n_pairs", classes=classes)))
    assert check[INTERVALS].violated == violated and reason in check[INTERVALS].reason


def test_tests_are_told_of_the_pairs_that_had_one() -> None:
    single = row("SoftTriple", "soft_triple", seeds=1)
    reasons = [checks(results(*rows))[INTERVALS].reason for rows in ((OURS, OURS), (OURS, OURS, single), (single,))]
    assert "corrected for all pairs" in reasons[0] and "without a row of one seed" in reasons[1]
    assert reasons[2].endswith("no pair was tested")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (None, "the tuning of N-pairs is not finished"),
        (trials(0.4), "the tuning of N-pairs has 1 of 2 trials"),
        (trials(None, None), "every trial of N-pairs failed"),
        (trials(0.4, 0.5, scale=80.0), "N-pairs is best at an edge of scale"),
    ],
)
def test_a_tuning_that_is_not_whole_leaves_settings_that_suit_some_better(
    state: TuningState | None, reason: str
) -> None:
    check = checks(results(OURS, tuning=TUNED, state=state))[SETTINGS]
    assert check.violated and reason in check.reason


def test_a_whole_tuning_inside_its_ranges_does_not_and_none_does() -> None:
    assert checks(results(OURS, tuning=TUNED, state=trials(None, 0.5)))[SETTINGS].violated is False
    untuned = checks(results(OURS))[SETTINGS]
    assert untuned.violated and "no loss was tuned" in untuned.reason
