"""Hyper-parameter tuning: as many trials for every loss, on training classes held out for it."""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from mlcore.artifacts import read_json, write_json
from mlcore.comparison.plan import Comparison, Tuning
from mlcore.comparison.search_space import SearchRange, edges, freed, value_of
from mlcore.comparison.tuning_state import (
    FORMAT,
    LEARNING_RATE,
    PROXY_RATE,
    Ends,
    Outcome,
    Trial,
    TrialValues,
    TuningState,
    best_of,
    current_state,
    rates_of,
)
from mlcore.comparison.workspace import ComparisonWorkspace, EventCallback, claimed, store_plan
from mlcore.errors import ComparisonError, Stopped, TrainingError
from mlcore.losses import loss_spec
from mlcore.runs import RunSpec

if TYPE_CHECKING:
    import optuna

    from mlcore.training.setup import TrainingCallbacks

MOST_DRAWS = 1000


def run_tuning(
    workspace: ComparisonWorkspace,
    comparison: Comparison,
    loss: str,
    *,
    on_event: EventCallback = lambda name, event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TuningState:
    """Do the trials of one loss that are not done, and nothing else; return the values of its file.

    Raises:
        Stopped: `should_stop` said so; calling again resumes.
        ComparisonError: the comparison tunes nothing or has no such loss, the folder holds another one, or
            another process is tuning this loss.
    """
    if loss not in comparison.losses:
        raise ComparisonError(f"{comparison.name} has no loss {loss!r}; it has {', '.join(comparison.losses)}")
    for folder in ("tuning", "locks"):
        (workspace.folder / folder).mkdir(parents=True, exist_ok=True)
    comparison = store_plan(workspace, comparison)
    with claimed(workspace.folder / "locks" / f"tune-{loss}.lock") as mine:
        if not mine:
            raise ComparisonError(f"another process is tuning {loss} in {workspace.folder}; let it end")
        tune(workspace, comparison, loss, on_event=on_event, should_stop=should_stop)
    return current_state(read_json(workspace.tuning(loss)))


def tune(
    workspace: ComparisonWorkspace,
    comparison: Comparison,
    loss: str,
    *,
    on_event: EventCallback = lambda name, event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Do the trials of a loss that its file does not hold yet; the first is the loss as it is, untuned.

    Each trial trains without the held-out training classes and is measured on them by MAP@R, the mean over its
    folds: no test picture is read. A trial whose loss is not finite counts as one that found nothing. After half
    of the trials, a range at whose edge the best trial lies is widened once. What a trial tries depends on the
    trials before it and on the tuning's seed, so an interrupted tuning resumes as if it had not been.

    Raises:
        Stopped: `should_stop` said so; the finished trials are kept.
        ComparisonError: the file holds trials of other ranges, or the data set has too few classes for the folds.
    """
    tuning, file = _tuning_of(comparison), workspace.tuning(loss)
    training = workspace.dataset.labels[workspace.dataset.rows("train")]
    tuning.require_classes(len(set(training.tolist())), comparison.protocol)
    ranges = freed(comparison, loss)
    state = _read_state(file, tuning, ranges)
    for number in range(len(state["measured"]), tuning.trials):
        started = time.perf_counter()
        if tuning.design > 1 and state["widened"] is None and number >= -(-tuning.trials // 2):
            state["widened"] = _widened(state, ranges, loss)
        values = (
            _untuned(comparison, loss)
            if number == 0
            else _suggested(comparison, loss, state["measured"], _searched(ranges, state), number)
        )
        name = f"{loss} trial {number + 1} of {tuning.trials}"
        callbacks = partial(_training_callbacks, name, on_event, should_stop)
        outcome = _measured(workspace, comparison, loss, values, callbacks)
        state["measured"].append({"number": number, **values, **outcome})
        state["seconds"] = round(state["seconds"] + time.perf_counter() - started, 2)
        write_json(file, state)
        on_event(name, {"event": "trial", "done": number + 1, "total": tuning.trials, "map_at_r": outcome["map_at_r"]})


def _widened(state: TuningState, ranges: Mapping[str, SearchRange], loss: str) -> dict[str, Ends]:
    """Return the wider ranges of what the best trial so far has at an edge; none if no trial was measured."""
    if all(trial["map_at_r"] is None for trial in state["measured"]):
        return {}
    return {name: ranges[name].widened().ends for name in edges(ranges, best_of(state, loss))}


def _searched(ranges: Mapping[str, SearchRange], state: TuningState) -> dict[str, SearchRange]:
    """Return the ranges that the next trial is drawn from, in the order of `ranges`: the draws depend on it."""
    widened = state["widened"] or {}
    return {name: found.with_ends(widened.get(name, found.ends)) for name, found in ranges.items()}


def _tuning_of(comparison: Comparison) -> Tuning:
    if comparison.tuning is None:
        raise ComparisonError(f"{comparison.name} has no tuning; give it trials")
    return comparison.tuning


def _read_state(file: Path, tuning: Tuning, ranges: Mapping[str, SearchRange]) -> TuningState:
    new: TuningState = {
        "format": FORMAT,
        "trials": tuning.trials,
        "validation_classes": tuning.validation_classes,
        "folds": tuning.folds,
        "seed": tuning.seed,
        "ranges": {name: found.ends for name, found in ranges.items()},
        "widened": None,
        "measured": [],
        "seconds": 0.0,
    }
    if not file.exists():
        return new
    state = current_state(read_json(file))
    if any(state[name] != new[name] for name in ("ranges", "validation_classes", "folds", "seed")):
        raise ComparisonError(f"{file.name} holds trials of another tuning; choose another folder")
    return {**state, "trials": tuning.trials}


def _untuned(comparison: Comparison, loss: str) -> TrialValues:
    protocol, tuning = comparison.protocol, _tuning_of(comparison)
    return {
        "params": dict(comparison.losses[loss]),
        LEARNING_RATE: protocol.learning_rate if tuning.design > 1 else None,
        PROXY_RATE: protocol.proxy_rate_factor if loss_spec(loss).has_proxies else None,
    }


def _suggested(
    comparison: Comparison, loss: str, measured: list[Trial], ranges: Mapping[str, SearchRange], number: int
) -> TrialValues:
    """Return what to try next, by a tree-structured Parzen estimator over the trials so far.

    Values that the loss refuses together are drawn again and cost no trial.
    """
    import optuna

    tuning, own = _tuning_of(comparison), comparison.losses[loss]
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {name: _distribution(found) for name, found in ranges.items()}
    finished = [_finished(trial, distributions) for trial in measured if trial["map_at_r"] is not None]
    for draw in range(MOST_DRAWS):
        # A sampler of its own for each trial: its draws must not depend on whether the process was restarted.
        seed = (tuning.seed * 1_000_003 + number + draw * 7_368_787) % 2**32
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        study.add_trials(finished)
        drawn = dict(study.ask(distributions).params)
        rates = {name: drawn.pop(name, None) for name in (LEARNING_RATE, PROXY_RATE)}
        params = {**own, **drawn}
        if _goes_together(loss, params):
            return {"params": params, **rates}  # type: ignore[typeddict-item]
    raise ComparisonError(
        f"{MOST_DRAWS} draws gave no parameters that {loss} takes together; give it others to begin at"
    )


def _goes_together(loss: str, params: Mapping[str, Any]) -> bool:
    try:
        loss_spec(loss).checked(params)
    except ValueError:
        return False
    return True


def _distribution(found: SearchRange) -> "optuna.distributions.BaseDistribution":
    from optuna.distributions import FloatDistribution, IntDistribution

    if found.whole:
        return IntDistribution(int(found.low), int(found.high), log=found.log)
    return FloatDistribution(found.low, found.high, log=found.log)


def _finished(
    trial: Trial, distributions: Mapping[str, "optuna.distributions.BaseDistribution"]
) -> "optuna.trial.FrozenTrial":
    import optuna

    # What a person chose may lie outside the ranges: the estimator then learns from its nearest point.
    params = {name: _within(value_of(trial, name), found) for name, found in distributions.items()}
    return optuna.trial.create_trial(params=params, distributions=dict(distributions), value=trial["map_at_r"])


def _within(value: float, found: Any) -> float:
    return min(max(value, found.low), found.high)  # type: ignore[no-any-return]


def _measured(
    workspace: ComparisonWorkspace,
    comparison: Comparison,
    loss: str,
    values: TrialValues,
    callbacks: Callable[[str], "TrainingCallbacks"],
) -> Outcome:
    """Train one trial on each of its folds; return the mean MAP@R, or the error of the first fold that failed."""
    scores = []
    specs = trial_specs(comparison, loss, values)
    for number, spec in enumerate(specs, 1):
        fold = f", fold {number} of {len(specs)}" if len(specs) > 1 else ""
        try:
            scores.append(_fold_score(workspace, spec, callbacks(fold)))
        except Stopped:
            raise
        except TrainingError as error:
            return {"map_at_r": None, "fold_scores": scores, "error": f"{error}{fold}"}
    return {"map_at_r": fmean(scores), "fold_scores": scores, "error": ""}


def _training_callbacks(
    name: str, on_event: EventCallback, should_stop: Callable[[], bool], fold: str
) -> "TrainingCallbacks":
    from mlcore.training.setup import TrainingCallbacks

    return TrainingCallbacks(lambda event: on_event(name + fold, event), should_stop)


def _fold_score(workspace: ComparisonWorkspace, spec: RunSpec, callbacks: "TrainingCallbacks") -> float:
    """Return the MAP@R of one training, in a folder that is removed."""
    from mlcore.training.train import RunPaths, train  # torch takes seconds to import

    scratch = workspace.folder / "work" / f"tune-{spec.loss}"
    shutil.rmtree(scratch, ignore_errors=True)  # of a trial that was cut off: a new one begins
    paths = RunPaths(scratch / "out", scratch / "work", workspace.cache)
    weights = None if spec.protocol.weights == "scratch" else workspace.weights
    try:
        return float(train(spec, workspace.dataset, paths, weights=weights, callbacks=callbacks)["map_at_r"])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def trial_specs(comparison: Comparison, loss: str, values: TrialValues) -> list[RunSpec]:
    """Return the runs of a trial, one for each fold: measured on training classes that they do not learn from."""
    tuning, protocol = _tuning_of(comparison), comparison.protocol
    if not protocol.folds:
        protocol = protocol.with_changes(validation_classes=tuning.validation_classes, folds=tuning.folds)
    spec = RunSpec(
        protocol=protocol.with_changes(**rates_of(values)),
        loss=loss,
        params=dict(values["params"]),
        seed=tuning.seed,
        measured_on="validation",
    )
    return [replace(spec, fold=fold) for fold in range(max(1, tuning.folds))] if protocol.folds else [spec]
