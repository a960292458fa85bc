"""Starts of experiments: runs and tunings are checked, stored and queued."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import User
from config.errors import Conflict, Rejected
from jobs import services as jobs
from jobs.models import Job
from mlcore.comparison.plan import Comparison, new_tuning
from mlcore.comparison.plan import Tuning as Budget
from mlcore.config import Protocol
from mlcore.datasets.splits import k_folds
from mlcore.datasets.splits import validation_classes as hold_out
from mlcore.errors import MlcoreError, UnknownLossError
from mlcore.runs import BASELINES, RunSpec
from retrieval.datasets.services.catalogue import require_labels
from retrieval.experiments.services.estimates import Estimate, estimate_of, submit_probe
from retrieval.models import Dataset, Experiment, Run, Tuning

MOST_TRIALS = 500
LARGEST_SEED = 2**31 - 1  # what the database's column holds


def start_experiment(
    *,
    dataset: Dataset,
    name: str,
    protocol: Protocol,
    losses: Sequence[str],
    params: Mapping[str, Mapping[str, Any]] | None = None,
    seeds: Iterable[int] = (0,),
    weights: str = "",
    trials: int = 0,
    validation_classes: int = 0,
    tuning_folds: int | None = None,
    publish: bool = False,
    by: User | None,
) -> Experiment:
    """Store an experiment with a run for each loss, seed and fold of the protocol, and queue them all.

    params: parameters by loss; default: the papers'. A baseline is evaluated once, with the first seed.
    trials: tuning trials per loss; tuned runs are queued when they are finished. 0 = no tuning. A trial is measured
    on tuning_folds class folds, or on validation_classes of the training classes; see `new_tuning` for defaults.

    Raises:
        Conflict: the data set is not imported.
        Rejected: there is nothing to run, a loss, parameter or seed is unknown, or the tuning is impossible.
    """
    cells = _checked_cells(dataset, protocol, losses, params or {}, seeds)
    tuning = tuning_of(protocol, trials=trials, validation_classes=validation_classes, tuning_folds=tuning_folds)
    _check_tuning(dataset, protocol, cells, tuning)
    estimate = _estimate(dataset, protocol, cells, tuning, weights)
    with transaction.atomic():
        experiment = Experiment.objects.create(
            name=name,
            dataset=dataset,
            protocol=protocol.to_json(),
            weights=weights,
            tuning=asdict(tuning) if tuning else None,
            estimate=estimate,
            publish=publish,
            created_by=by,
        )
        _queue(experiment, cells, by)
        audit.record(
            by, "start-experiment", name, experiment=experiment.pk, dataset=dataset.name, losses=_losses_of(cells)
        )
    return experiment


def estimate_experiment(
    *,
    dataset: Dataset,
    protocol: Protocol,
    losses: Sequence[str],
    params: Mapping[str, Mapping[str, Any]] | None = None,
    seeds: Iterable[int] = (0,),
    weights: str = "",
    trials: int = 0,
    validation_classes: int = 0,
    tuning_folds: int | None = None,
    by: User | None,
) -> Estimate | Job:
    """Return the estimated time of such an experiment, or the job that measures it.

    Raises:
        Conflict, Rejected: it could not be started either.
    """
    cells = _checked_cells(dataset, protocol, losses, params or {}, seeds)
    tuning = tuning_of(protocol, trials=trials, validation_classes=validation_classes, tuning_folds=tuning_folds)
    _check_tuning(dataset, protocol, cells, tuning)
    estimate = _estimate(dataset, protocol, cells, tuning, weights)
    return submit_probe(dataset, protocol, weights=weights, by=by) if estimate is None else estimate


def _estimate(
    dataset: Dataset, protocol: Protocol, cells: Sequence[RunSpec], tuning: Budget | None, weights: str
) -> Estimate | None:
    count = len({spec.seed for spec in cells})
    return estimate_of(dataset, protocol, _losses_of(cells), seeds=count, tuning=tuning, weights=weights)


def _losses_of(cells: Sequence[RunSpec]) -> list[str]:
    return list(dict.fromkeys(spec.loss for spec in cells))


def _queue(experiment: Experiment, cells: Sequence[RunSpec], by: User | None) -> None:
    for spec in cells:
        run = Run.objects.create(
            experiment=experiment, loss=spec.loss, params=spec.params, seed=spec.seed, fold=spec.fold
        )
        submit_training(run, by=by)
    if experiment.tuning:
        _submit_tunings(experiment, by)


def submit_training(run: Run, *, by: User | None) -> None:
    """Queue the training of a run."""
    run.job = jobs.submit("train", {"run": run.pk}, by=by, key=f"train:{run.pk}")
    run.save(update_fields=["job"])


def _submit_tunings(experiment: Experiment, by: User | None) -> None:
    for loss in dict.fromkeys(run.loss for run in experiment.runs.all() if run.loss not in BASELINES):
        row = Tuning.objects.create(experiment=experiment, loss=loss)
        row.job = jobs.submit("tune", {"tuning": row.pk}, by=by, key=f"tune:{row.pk}")
        row.save(update_fields=["job"])


def tuning_of(
    protocol: Protocol, *, trials: int, validation_classes: int = 0, tuning_folds: int | None = None
) -> Budget | None:
    """Return the tuning of a new experiment, unchecked; None without trials.

    Raises:
        Rejected: there are classes or folds to tune on, but no trials.
    """
    if trials:
        return new_tuning(protocol, trials=trials, validation_classes=validation_classes, folds=tuning_folds)
    for field, number in {"validation_classes": validation_classes, "tuning_folds": tuning_folds}.items():
        if number:
            named = field.replace("_", " ")
            raise Rejected(f"{named} are only used for tuning; give the number of trials too", field=field)
    return None


def _check_tuning(dataset: Dataset, protocol: Protocol, cells: Sequence[RunSpec], tuning: Budget | None) -> None:
    """Reject an impossible tuning as `Comparison` does."""
    if tuning is None:
        return
    if tuning.trials > MOST_TRIALS:
        raise Rejected(f"{tuning.trials} trials are too many; give at most {MOST_TRIALS}", field="trials")
    losses = {spec.loss: spec.params for spec in cells if not spec.is_baseline}
    try:
        Comparison(name="", protocol=protocol, losses=losses, seeds=(0,), tuning=tuning)
        tuning.require_classes(dataset.report["train_classes"], protocol)
    except MlcoreError as error:
        raise Rejected(str(error), field="trials") from error


def _checked_seeds(seeds: Iterable[int]) -> list[int]:
    numbers = sorted(set(seeds))
    for seed in numbers:
        if not 0 <= seed <= LARGEST_SEED:
            raise Rejected(f"{seed} is no seed; give a whole number from 0 to {LARGEST_SEED}", field="seeds")
    return numbers


def _checked_cells(
    dataset: Dataset,
    protocol: Protocol,
    losses: Sequence[str],
    params: Mapping[str, Mapping[str, Any]],
    seeds: Iterable[int],
) -> list[RunSpec]:
    if not dataset.is_ready:
        raise Conflict(f"{dataset.name} is not imported yet; wait for its job")
    require_labels(dataset)
    losses, seeds = list(dict.fromkeys(losses)), _checked_seeds(seeds)
    _check_held_out(dataset, protocol)
    _check_count(len(losses) * len(seeds) * max(1, protocol.folds))
    return _cells(protocol, losses, params, seeds)


def _check_held_out(dataset: Dataset, protocol: Protocol) -> None:
    """Refuse more folds or validation classes than the data set's training classes make."""
    classes = range(dataset.report["train_classes"])
    try:
        if protocol.folds:
            k_folds(classes, protocol.folds, seed=0)
        if protocol.validation_classes:
            hold_out(classes, protocol.validation_classes)
    except MlcoreError as error:
        name = "folds" if protocol.folds else "validation_classes"
        raise Rejected(f"{name}: {error}", field="changes") from error


def _check_count(runs: int) -> None:
    if runs > settings.EXPERIMENT_RUNS:
        raise Rejected(
            f"losses, seeds and folds make {runs:,} runs; at most {settings.EXPERIMENT_RUNS:,} are allowed",
            field="losses",
        )


def _cells(
    protocol: Protocol, losses: Sequence[str], params: Mapping[str, Mapping[str, Any]], seeds: Sequence[int]
) -> list[RunSpec]:
    for loss in params:
        if loss not in losses:
            raise Rejected(
                f"there are parameters for {loss!r}, which is not selected; select the loss or leave them out",
                field="params",
            )
    if not losses or not seeds:
        raise Rejected("no loss or no seed; select at least one of each")
    try:
        return [
            RunSpec(protocol=protocol, loss=loss, params=dict(params.get(loss, {})), seed=seed, fold=fold).checked()
            for loss in losses
            for seed in (seeds[:1] if loss in BASELINES else seeds)
            for fold in (range(protocol.folds) if protocol.folds and loss not in BASELINES else (None,))
        ]
    except UnknownLossError as error:
        raise Rejected(str(error), field="losses") from error
    except (MlcoreError, TypeError, ValueError) as error:
        raise Rejected(str(error), field="params") from error
