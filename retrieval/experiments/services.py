"""Rules about experiments, their runs, and the models that come out of them."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.roles import Visitor, is_curator
from jobs import services as jobs
from jobs.children import run_child
from jobs.context import JobContext
from jobs.errors import JobFailed
from mlcore.artifacts import read_json, write_json
from mlcore.compare.plan import Comparison
from mlcore.compare.plan import Tuning as Budget
from mlcore.config import PRESETS, Protocol
from mlcore.datasets.splits import validation_classes as hold_out
from mlcore.errors import MlcoreError
from mlcore.losses import LOSSES
from mlcore.runs import BASELINE_TITLES, BASELINES, RunSpec
from retrieval.datasets.services import visible_datasets
from retrieval.errors import Refused
from retrieval.indexes.services import submit_index
from retrieval.models import COLORS, Dataset, Experiment, Model, Run, Tuning

MOST_TRIALS = 500
LARGEST_SEED = 2**31 - 1  # what the database's column holds


def loss_titles() -> dict[str, str]:
    """Return the title of every loss and baseline by name."""
    return {name: spec.title for name, spec in LOSSES.items()} | BASELINE_TITLES


def baselines() -> list[str]:
    """Return the names of the rows that are not trained."""
    return list(BASELINES)


def loss_table() -> list[dict[str, Any]]:
    """Return what a form or a client needs to know of each loss and baseline."""
    losses = [
        {
            "name": name,
            "title": spec.title,
            "family": spec.family,
            "paper": spec.paper,
            "idea": spec.idea,
            "parameters": {
                parameter: {"default": value.default, "meaning": value.meaning}
                for parameter, value in spec.parameters.items()
            },
        }
        for name, spec in LOSSES.items()
    ]
    baselines = [
        {
            "name": name,
            "title": BASELINE_TITLES[name],
            "family": "not trained",
            "paper": "",
            "idea": idea,
            "parameters": {},
        }
        for name, idea in BASELINES.items()
    ]
    return losses + baselines


def presets() -> list[dict[str, Any]]:
    """Return every preset protocol as plain values."""
    return [protocol.to_json() for protocol in PRESETS.values()]


def weights_files() -> list[str]:
    """Return the names of the local weights that a protocol may use."""
    return sorted(file.name for file in Path(settings.WEIGHTS_DIR).glob("*.safetensors"))


def make_protocol(preset: str, changes: Mapping[str, Any], weights: str) -> Protocol:
    """Return a preset with some fields changed; with a weights file, its local weights and backbone.

    Raises:
        Refused: no such preset, field, value or file.
    """
    if preset not in PRESETS:
        raise Refused(f"no protocol named {preset!r}; known: {', '.join(PRESETS)}")
    # Beside honest figures of a preset, a changed one must not go by its name.
    wanted = {"name": f"{preset} (changed)", **changes} if changes else {}
    if weights:
        if weights not in weights_files():
            raise Refused(f"no weights file named {weights!r}; known: {', '.join(weights_files()) or 'none'}")
        wanted = {"weights": "local", "backbone": _architecture_of(weights), **wanted}
    try:
        protocol = PRESETS[preset].with_changes(**wanted)
    except MlcoreError as error:
        raise Refused(str(error)) from error
    if protocol.weights == "local" and not weights:
        raise Refused("local weights need a weights file; choose one")
    if weights and protocol.weights != "local":
        raise Refused(f"the protocol's weights are {protocol.weights}, so {weights} would not be used; leave one out")
    return protocol


def _architecture_of(weights: str) -> str:
    beside = Path(weights).with_suffix(".json")
    try:
        return str(read_json(Path(settings.WEIGHTS_DIR) / beside)["architecture"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused(f"{beside} does not say the architecture of {weights}; put it beside the weights") from None


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
    publish: bool = True,
    by: User | None,
) -> Experiment:
    """Store an experiment with a run for each loss, seed and fold of the protocol, and queue them all.

    params: own parameters by loss; the rest are the paper's. A baseline is measured once, with the first seed.
    trials: of each loss's tuning, measured on so many of the training classes (with folds: on what fold 0
    holds out); its tuned runs are queued when its trials are done. 0 tunes nothing.

    Raises:
        Refused: the data set is not imported, nothing is to be run, a loss, parameter or seed is unknown, or
            the tuning cannot tell right from wrong.
    """
    if not dataset.is_ready:
        raise Refused(f"{dataset.name} is not imported yet; wait for its job")
    cells = _cells(protocol, losses, params or {}, _checked_seeds(seeds))
    tuning = _checked_tuning(dataset, protocol, cells, trials, validation_classes)
    with transaction.atomic():
        experiment = Experiment.objects.create(
            name=name,
            dataset=dataset,
            protocol=protocol.to_json(),
            weights=weights,
            tuning=tuning,
            publish=publish,
            created_by=by,
        )
        for spec in cells:
            run = Run.objects.create(
                experiment=experiment, loss=spec.loss, params=spec.params, seed=spec.seed, fold=spec.fold
            )
            submit_training(run, by=by)
        if tuning:
            _submit_tunings(experiment, by)
    return experiment


def submit_training(run: Run, *, by: User | None) -> None:
    """Queue the training of a run."""
    run.job = jobs.submit("train", {"run": run.pk}, by=by, key=f"train:{run.pk}")
    run.save(update_fields=["job"])


def _submit_tunings(experiment: Experiment, by: User | None) -> None:
    for loss in dict.fromkeys(run.loss for run in experiment.runs.all() if run.loss not in BASELINES):
        row = Tuning.objects.create(experiment=experiment, loss=loss)
        row.job = jobs.submit("tune", {"tuning": row.pk}, by=by, key=f"tune:{row.pk}")
        row.save(update_fields=["job"])


def _checked_tuning(
    dataset: Dataset, protocol: Protocol, cells: Sequence[RunSpec], trials: int, held_out: int
) -> dict[str, int] | None:
    """Return the budget to store, None for none; a comparison of the same losses says what cannot be."""
    if not trials:
        if held_out:
            raise Refused("validation classes are for tuning: give the number of trials too")
        return None
    if trials > MOST_TRIALS:
        raise Refused(f"a loss is tuned by at most {MOST_TRIALS} trials, not {trials}")
    losses = {spec.loss: spec.params for spec in cells if not spec.is_baseline}
    budget = Budget(trials=trials, validation_classes=held_out)
    try:
        Comparison(name="", protocol=protocol, losses=losses, seeds=(0,), tuning=budget)
        if held_out:
            hold_out(range(dataset.report["train_classes"]), held_out)
    except MlcoreError as error:
        raise Refused(str(error)) from error
    return {"trials": trials, "validation_classes": held_out, "seed": budget.seed}


def _checked_seeds(seeds: Iterable[int]) -> list[int]:
    chosen = sorted(set(seeds))
    for seed in chosen:
        if not 0 <= seed <= LARGEST_SEED:
            raise Refused(f"a seed is a whole number from 0 to {LARGEST_SEED}, not {seed}")
    return chosen


def _cells(
    protocol: Protocol, losses: Sequence[str], params: Mapping[str, Mapping[str, Any]], seeds: Sequence[int]
) -> list[RunSpec]:
    for loss in params:
        if loss not in losses:
            raise Refused(f"there are parameters for {loss!r}, which is not among the losses")
    if not losses or not seeds:
        raise Refused("choose at least one loss and one seed")
    try:
        return [
            RunSpec(protocol=protocol, loss=loss, params=dict(params.get(loss, {})), seed=seed, fold=fold).checked()
            for loss in dict.fromkeys(losses)
            for seed in (seeds[:1] if loss in BASELINES else seeds)
            for fold in (range(protocol.folds) if protocol.folds and loss not in BASELINES else (None,))
        ]
    except (MlcoreError, TypeError, ValueError) as error:
        raise Refused(str(error)) from error


def run_train_job(context: JobContext, run: int) -> dict[str, Any]:
    """Train a run in a child process; store its model and queue its index. Safe to run again."""
    row = Run.objects.select_related("experiment__dataset").get(pk=run)
    artifact = f"runs/{row.pk}"
    out = Path(settings.MEDIA_ROOT) / artifact
    if not out.exists():
        _train_in_child(context, row, out)
    context.check()
    model = _store_model(row, artifact, out)
    owner = User.objects.filter(pk=context.owner_id).first() if context.owner_id else None
    index_job = submit_index(model, by=owner)
    return {"run": row.pk, "model": model.pk, "index_job": index_job.pk}


def _train_in_child(context: JobContext, run: Run, out: Path) -> None:
    scratch = context.adopt_scratch()
    history: list[dict[str, Any]] = []

    def hear(event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            context.progress(event["phase"], event["done"], event["total"])
        elif event["event"] == "epoch":
            context.check()
            history.append(event)
            Run.objects.filter(pk=run.pk).update(history=history)
            context.say(f"epoch {event['epoch']} of {event['epochs']}, loss {event['loss']:.4f}")

    run_child(_command(run, scratch, out), on_event=hear, should_stop=context.should_stop, cwd=settings.BASE_DIR)


def _command(run: Run, scratch: Path, out: Path) -> list[str]:
    experiment = run.experiment
    protocol = scratch / "protocol.json"
    write_json(protocol, {**experiment.protocol, **run.changes})
    command = [sys.executable, "-m", "mlcore", "train", "--events", "jsonl", "--child"]
    command += ["--data", str(experiment.dataset.folder), "--out", str(out), "--work", str(scratch / "work")]
    command += ["--cache", str(settings.CACHE_DIR), "--protocol", str(protocol)]
    command += ["--loss", run.loss, "--seed", str(run.seed)]
    command += [word for name, value in run.params.items() for word in ("--param", f"{name}={value}")]
    if run.fold is not None:
        command += ["--fold", str(run.fold)]
    if experiment.weights:
        command += ["--weights", str(Path(settings.WEIGHTS_DIR) / experiment.weights)]
    return command


@transaction.atomic
def _store_model(run: Run, artifact: str, out: Path) -> Model:
    metrics, described = read_json(out / "metrics.json"), read_json(out / "model.json")
    _require_same_run(run, described, out)
    Run.objects.filter(pk=run.pk).update(metrics=metrics)
    model, _ = Model.objects.get_or_create(
        run=run,
        defaults={
            "dataset": run.experiment.dataset,
            "name": model_name(run),
            "loss": run.loss,
            "artifact": artifact,
            "weights_sha256": described["weights_sha256"],
            "dim": described["dim"],
            "color": Model.objects.filter(dataset=run.experiment.dataset).count() % COLORS,
        },
    )
    return model


def _require_same_run(run: Run, described: dict[str, Any], out: Path) -> None:
    """Refuse a folder that another database's run left under the same number."""
    stored = [described[key] for key in ("loss", "params", "seed", "fold")] + [described["dataset"]["fingerprint"]]
    if stored != [run.loss, run.params, run.seed, run.fold, run.experiment.dataset.fingerprint]:
        raise JobFailed(f"{out} holds another run, perhaps of another database; move it away, then retry")


def model_name(run: Run) -> str:
    """Return what people call the model of a run; seed and fold only where there are several."""
    title = loss_titles().get(run.loss, run.loss)
    runs = run.experiment.runs.filter(loss=run.loss)
    notes = ["tuned"] if run.tuned else []
    notes += [f"seed {run.seed}"] if runs.exclude(seed=run.seed).exists() else []
    notes += [] if run.fold is None else [f"fold {run.fold}"]
    return f"{title} ({', '.join(notes)})" if notes else title


def set_published(model: Model, published: bool) -> None:
    """Let people search with a model, or not.

    Raises:
        Refused: it is to be published and has no active index.
    """
    if published and not model.indexes.filter(active=True).exists():
        raise Refused(f"{model.name} has no active index yet; build one first")
    Model.objects.filter(pk=model.pk).update(published=published)


def visible_models(user: Visitor) -> QuerySet[Model]:
    """Return the models this person may see: curators all, others the published ones of data sets they may see."""
    models = Model.objects.filter(dataset__in=visible_datasets(user)).select_related("run__experiment", "dataset")
    return models if is_curator(user) else models.filter(published=True)


def experiments() -> QuerySet[Experiment]:
    """Return every experiment with what its pages show."""
    return Experiment.objects.select_related("dataset").prefetch_related("runs__job", "runs__model", "tunings__job")
