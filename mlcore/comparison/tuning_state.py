"""The file of a loss's trials, and what is read from it. Knows no torch."""

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from mlcore.errors import ComparisonError

FORMAT: Final = 2
"""Number of the file's format: 1, without a number, has no learning rate, no folds and no widened ranges."""

LEARNING_RATE: Final = "learning_rate"
PROXY_RATE: Final = "proxy_rate_factor"

Ends = list[float]
"""Lowest and highest value of a range."""


class TrialValues(TypedDict):
    """What a trial is trained with: the loss's parameters, and the protocol's rates; None: as the protocol has it."""

    params: dict[str, float | int]
    learning_rate: float | None
    proxy_rate_factor: float | None


class Outcome(TypedDict):
    """MAP@R on the held-out training classes as a fraction; None with the error of a trial that was not measured.

    fold_scores: MAP@R of each fold, of which map_at_r is the mean; empty in trials stored before there were any.
    """

    map_at_r: float | None
    fold_scores: list[float]
    error: str


class Trial(TrialValues, Outcome):
    """One trial of a tuning, in its order from 0."""

    number: int


class TuningState(TypedDict):
    """The file of a loss's trials. ranges: lowest and highest value by parameter. seconds: of all trials.

    widened: the ranges that the second half of the trials has instead; None before it.
    """

    format: int
    trials: int
    validation_classes: int
    folds: int
    seed: int
    ranges: dict[str, Ends]
    widened: dict[str, Ends] | None
    measured: list[Trial]
    seconds: float


def current_state(stored: Mapping[str, Any]) -> TuningState:
    """Return the values of a file of trials, perhaps one of format 1, with the keys of FORMAT."""
    before: dict[str, object] = {"learning_rate": None, "fold_scores": []}
    measured = [{**before, **trial} for trial in stored["measured"]]
    return {"folds": 0, "widened": None, **stored, "format": FORMAT, "measured": measured}  # type: ignore[typeddict-item]


def best_of(state: TuningState, loss: str) -> Trial:
    """Return the best trial; of equal ones the first.

    Raises:
        ComparisonError: no trial could be measured.
    """
    trials = [trial for trial in state["measured"] if trial["map_at_r"] is not None]
    if not trials:
        raise ComparisonError(f"none of the trials of {loss} could be measured: their losses were not finite")
    return max(trials, key=lambda trial: (trial["map_at_r"] or 0.0, -trial["number"]))


def rates_of(found: Mapping[str, Any]) -> dict[str, float]:
    """Return the fields of the protocol that a trial's values change: its learning rate and its proxies' factor."""
    return {name: found[name] for name in (LEARNING_RATE, PROXY_RATE) if found.get(name) is not None}
