"""Hyper-parameter tuning: as many trials for every loss, on training classes held out for it."""

import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

from mlcore.artifacts import read_json, write_json
from mlcore.comparison.plan import Comparison, Tuning
from mlcore.comparison.workspace import ComparisonWorkspace, EventCallback, claimed, store_plan
from mlcore.errors import ComparisonError, Stopped, TrainingError
from mlcore.events import Event
from mlcore.losses import loss_spec
from mlcore.losses.spec import Parameter
from mlcore.runs import RunSpec

if TYPE_CHECKING:
    import optuna

AROUND = 4.0
"""A parameter is searched from a quarter of the paper's value to four times it."""

MOST_DRAWS = 1000
PROXY_RATE_AROUND = 10.0
PROXY_RATE: Final = "proxy_rate_factor"


class TrialValues(TypedDict):
    """What a trial is trained with: parameters of the loss, and the rate of its proxies if it has any."""

    params: dict[str, float | int]
    proxy_rate_factor: float | None


class Outcome(TypedDict):
    """MAP@R on the held-out training classes as a fraction; None with the error of a trial that was not measured."""

    map_at_r: float | None
    error: str


class Trial(TrialValues, Outcome):
    """One trial of a tuning, in its order from 0."""

    number: int


class TuningState(TypedDict):
    """The file of a loss's trials. ranges: lowest and highest value by parameter. seconds: of all trials."""

    trials: int
    validation_classes: int
    seed: int
    ranges: dict[str, list[float]]
    measured: list[Trial]
    seconds: float


@dataclass(frozen=True)
class SearchRange:
    """Where trials look for a parameter; ends included."""

    low: float
    high: float
    log: bool
    whole: bool


def search_range(parameter: Parameter) -> SearchRange:
    """Return where to search: the parameter's own range, or a factor of 4 around its default, where legal."""
    whole = isinstance(parameter.default, int)
    if parameter.search is not None:
        return SearchRange(*parameter.search, log=False, whole=whole)
    low, high = parameter.default / AROUND, parameter.default * AROUND
    if whole:
        low = max(1, math.floor(low))
    low = max(low, parameter.low if parameter.low is not None else -math.inf)
    high = min(high, parameter.high if parameter.high is not None else math.inf)
    return SearchRange(low, high, log=True, whole=whole)


def freed(comparison: Comparison, loss: str) -> dict[str, SearchRange]:
    """Return what the trials of a loss may change: its own numbers and, if it has proxies, their rate.

    A parameter that chooses between formulas is none of them: what won would be another loss.
    """
    spec, rate = loss_spec(loss), comparison.protocol.proxy_rate_factor
    ranges = {name: search_range(parameter) for name, parameter in spec.parameters.items() if parameter.tuned}
    if spec.has_proxies:
        ranges[PROXY_RATE] = SearchRange(rate / PROXY_RATE_AROUND, rate * PROXY_RATE_AROUND, log=True, whole=False)
    return ranges


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
    store_plan(workspace, comparison)
    with claimed(workspace.folder / "locks" / f"tune-{loss}.lock") as mine:
        if not mine:
            raise ComparisonError(f"another process is tuning {loss} in {workspace.folder}; let it end")
        tune(workspace, comparison, loss, on_event=on_event, should_stop=should_stop)
    state: TuningState = read_json(workspace.tuning(loss))
    return state


def tune(
    workspace: ComparisonWorkspace,
    comparison: Comparison,
    loss: str,
    *,
    on_event: EventCallback = lambda name, event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Do the trials of a loss that its file does not hold yet; the first is the loss as it is, untuned.

    Each trial trains without the held-out training classes and is measured on them by MAP@R: no test
    picture is read. A trial whose loss is not finite counts as one that found nothing. What a trial tries
    depends on the trials before it and on the tuning's seed, so an interrupted tuning resumes as if it
    had not been.

    Raises:
        Stopped: `should_stop` said so; the finished trials are kept.
        ComparisonError: the file holds trials of other ranges.
    """
    tuning, file = _tuning_of(comparison), workspace.tuning(loss)
    ranges = freed(comparison, loss)
    state = _read_state(file, tuning, ranges)
    for number in range(len(state["measured"]), tuning.trials):
        started = time.perf_counter()
        values = (
            _untuned(comparison, loss)
            if number == 0
            else _suggested(comparison, loss, state["measured"], ranges, number)
        )
        name = f"{loss} trial {number + 1} of {tuning.trials}"
        callbacks = (partial(on_event, name), should_stop)
        state["measured"].append(
            {"number": number, **values, **_measured(workspace, comparison, loss, values, callbacks)}
        )
        state["seconds"] = round(state["seconds"] + time.perf_counter() - started, 2)
        write_json(file, state)
        found = state["measured"][-1]["map_at_r"]
        on_event(name, {"event": "trial", "done": number + 1, "total": tuning.trials, "map_at_r": found})


def best_of(state: TuningState, loss: str) -> Trial:
    """Return the best trial's {"params", "proxy_rate_factor", "map_at_r"}; state: the values of the loss's file.

    Raises:
        ComparisonError: no trial could be measured.
    """
    trials = [trial for trial in state["measured"] if trial["map_at_r"] is not None]
    if not trials:
        raise ComparisonError(f"none of the trials of {loss} could be measured: their losses were not finite")
    return max(trials, key=lambda trial: (trial["map_at_r"] or 0.0, -trial["number"]))


def _tuning_of(comparison: Comparison) -> Tuning:
    if comparison.tuning is None:
        raise ComparisonError(f"{comparison.name} has no tuning; give it trials and validation classes")
    return comparison.tuning


def _read_state(file: Path, tuning: Tuning, ranges: Mapping[str, SearchRange]) -> TuningState:
    described = {name: [found.low, found.high] for name, found in ranges.items()}
    if not file.exists():
        return {
            "trials": tuning.trials,
            "validation_classes": tuning.validation_classes,
            "seed": tuning.seed,
            "ranges": described,
            "measured": [],
            "seconds": 0.0,
        }
    state: TuningState = read_json(file)
    if (state["ranges"], state["validation_classes"], state["seed"]) != (
        described,
        tuning.validation_classes,
        tuning.seed,
    ):
        raise ComparisonError(f"{file.name} holds trials of another tuning; choose another folder")
    return {**state, "trials": tuning.trials}


def _untuned(comparison: Comparison, loss: str) -> TrialValues:
    rate = comparison.protocol.proxy_rate_factor if loss_spec(loss).has_proxies else None
    return {"params": dict(comparison.losses[loss]), PROXY_RATE: rate}


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
        rate, params = drawn.pop(PROXY_RATE, None), {**own, **drawn}
        if _goes_together(loss, params):
            return {PROXY_RATE: rate, "params": params}
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

    values: Mapping[str, Any] = {**trial["params"], PROXY_RATE: trial[PROXY_RATE]}
    # What a person chose may lie outside the ranges: the estimator then learns from its nearest point.
    params = {name: _within(values[name], found) for name, found in distributions.items()}
    return optuna.trial.create_trial(params=params, distributions=dict(distributions), value=trial["map_at_r"])


def _within(value: float, found: Any) -> float:
    return min(max(value, found.low), found.high)  # type: ignore[no-any-return]


def _measured(
    workspace: ComparisonWorkspace,
    comparison: Comparison,
    loss: str,
    values: TrialValues,
    callbacks: tuple[Callable[[Event], None], Callable[[], bool]],
) -> Outcome:
    """Train one trial in a folder that is removed; return {"map_at_r", "error"}."""
    from mlcore.training.train import RunPaths, TrainingCallbacks, train

    scratch = workspace.folder / "work" / f"tune-{loss}"
    shutil.rmtree(scratch, ignore_errors=True)  # of a trial that was cut off: a new one begins
    paths = RunPaths(scratch / "out", scratch / "work", workspace.cache)
    weights = None if comparison.protocol.weights == "scratch" else workspace.weights
    try:
        metrics = train(
            trial_spec(comparison, loss, values),
            workspace.dataset,
            paths,
            weights=weights,
            callbacks=TrainingCallbacks(*callbacks),
        )
    except Stopped:
        raise
    except TrainingError as error:
        return {"map_at_r": None, "error": str(error)}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {"map_at_r": metrics["map_at_r"], "error": ""}


def trial_spec(comparison: Comparison, loss: str, values: TrialValues) -> RunSpec:
    """Return the run of a trial: measured on training classes that it does not learn from."""
    tuning, changes = _tuning_of(comparison), dict[str, object]()
    if not comparison.protocol.folds:
        changes["validation_classes"] = tuning.validation_classes
    if values[PROXY_RATE] is not None:
        changes[PROXY_RATE] = values[PROXY_RATE]
    return RunSpec(
        protocol=comparison.protocol.with_changes(**changes),
        loss=loss,
        params=dict(values["params"]),
        seed=tuning.seed,
        fold=0 if comparison.protocol.folds else None,
        measured_on="validation",
    )
