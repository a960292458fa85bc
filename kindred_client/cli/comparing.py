"""Commands that train: one loss, or several compared."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from kindred_client.cli import reporting
from kindred_client.cli.exit_codes import PARTLY
from kindred_client.cli.follow import wait, wait_for_experiment
from kindred_client.cli.measured import figures_of, summary_metrics, titles_of
from kindred_client.cli.names import Thing, dataset_of, settings_of
from kindred_client.cli.output import as_json, duration, say, table
from kindred_client.cli.session import Session, command
from kindred_client.errors import KindredError
from kindred_client.waiting import JobFailed

MOST_PROBES = 3  # of the speed, before the estimate is given up
NEEDED = {"dataset": "dataset", "loss": "losses", "preset": "preset"}  # options and their parameters
Plan = dict[str, Any]


def plan_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of an experiment."""
    for option in (
        click.option("--name", default="", help="Name of the experiment; default: its losses and data set."),
        click.option(
            "--set",
            "changes",
            multiple=True,
            metavar="FIELD=VALUE",
            help="Field of the preset to change. May be repeated.",
        ),
        click.option(
            "--weights",
            default="",
            metavar="FILE",
            help="Weights file on the server, or hub:NAME for weights of timm; default: the protocol's own weights.",
        ),
        click.option(
            "--trials", default=0, type=click.IntRange(0), help="Tuning trials per loss; default 0 = no tuning."
        ),
        click.option(
            "--validation-classes",
            default=0,
            type=click.IntRange(0),
            help="Training classes held out to measure trials on, in place of --tuning-folds; default 0.",
        ),
        click.option(
            "--tuning-folds",
            default=None,
            type=click.IntRange(0),
            help="Class folds that each trial is measured on; default 3, or one split with --validation-classes.",
        ),
        click.option(
            "--publish/--no-publish",
            default=False,
            help="Publish each model as soon as its index is built; default: leave them unpublished.",
        ),
        click.option("--no-wait", is_flag=True, help="Start the experiment and return at once."),
    ):
        function = option(function)
    return function


@command("train")
@click.option("--dataset", required=True, metavar="SLUG|NAME|ID")
@click.option("--loss", required=True, help="Loss to train: soft_triple, multi_similarity, ...")
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=click.IntRange(0),
    default=(0,),
    help="Seed of a run; default 0. May be repeated.",
)
@click.option("--preset", required=True, help="Protocol: demo, frozen-features, fine-tune-small, ...")
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Parameter of the loss; default: the paper's. May be repeated.",
)
@plan_options
def train(session: Session, loss: str, params: tuple[str, ...], no_wait: bool, **given: Any) -> None:
    """Train one loss, wait, and show its metrics."""
    named, publish, plan = _plan(session, [loss], {loss: settings_of(params)} if params else {}, given)
    experiment = session.client.experiments.start(named, publish=publish, **plan)
    if no_wait:
        return _started(session, experiment)
    ended, failure = wait_for_experiment(session, experiment)
    if session.as_json:
        as_json(ended)
    else:
        metrics = summary_metrics(session)
        columns = ("run", "loss", "seed", "state", "model", *titles_of(metrics))
        table([_run_row(run, metrics) for run in ended["runs"]], columns)
    _end(ended, failure)


@command("compare")
@click.option("--dataset", default="", metavar="SLUG|NAME|ID")
@click.option(
    "--loss", "losses", multiple=True, help="Loss to train, or untrained or half_whitened_pca. May be repeated."
)
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=click.IntRange(0),
    default=(0,),
    help="Seed of a run; default 0. May be repeated.",
)
@click.option("--preset", default="", help="Protocol: demo, frozen-features, fine-tune-small, ...")
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="LOSS.NAME=VALUE",
    help="Parameter of a loss; default: the paper's. May be repeated.",
)
@click.option("--experiment", type=int, default=None, metavar="ID", help="Experiment to wait for, started before.")
@click.option(
    "--report",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File to save the report as: .html, .md, .tex, .csv or .json. May be repeated.",
)
@plan_options
def compare(session: Session, experiment: int | None, files: tuple[Path, ...], no_wait: bool, **given: Any) -> None:
    """Train several losses under one protocol, wait, and create the report.

    The estimated time is shown first. After Ctrl-C the runs continue; --experiment waits for them again.
    """
    reporting.check(files)
    _check_plan(experiment, given)
    started = _start(session, given) if experiment is None else session.client.experiments.get(experiment)
    if no_wait:
        return _started(session, started)
    ended, failure = wait_for_experiment(session, started)
    if failure is not None and not _finished(ended):
        if session.as_json:
            as_json({"experiment": ended, "report": None, "files": []})
        raise failure
    made = session.client.experiments.make_report(ended["id"])
    wait(session, made)
    document = session.client.experiments.report(ended["id"])
    saved = reporting.save(session, ended["id"], files)
    if session.as_json:
        as_json({"experiment": ended, "report": document, "files": [str(path) for path in saved]})
    else:
        reporting.show(session, document)
    _end(ended, failure)


def _check_plan(experiment: int | None, given: dict[str, Any]) -> None:
    said = {f"--{name}": bool(given[key]) for name, key in NEEDED.items()}
    missing, extra = [name for name in said if not said[name]], [name for name in said if said[name]]
    if experiment is None and missing:
        raise click.UsageError(
            f"{', '.join(missing)} missing; give them, or --experiment with an experiment that was started"
        )
    if experiment is not None and extra:
        raise click.UsageError(f"--experiment cannot be combined with {', '.join(extra)}; leave one of them out")


def _start(session: Session, given: dict[str, Any]) -> Thing:
    losses = list(given.pop("losses"))
    named, publish, plan = _plan(session, losses, _params_by_loss(given.pop("params"), losses), given)
    estimate = estimated(session, plan)
    say(f"{estimate['runs']} runs, about {duration(estimate['seconds'])} ({estimate['source']})")
    return session.client.experiments.start(named, publish=publish, **plan)


def estimated(session: Session, plan: Plan) -> Thing:
    """Return the estimated time; a job measures the speed first where nothing is known."""
    for _ in range(MOST_PROBES):
        found: Thing = session.client.experiments.estimate(**plan)
        if "seconds" in found:
            return found
        say("A short trial run measures the speed first.")
        wait(session, found["id"])
    raise KindredError("no estimate after several tries; start without one: kindred train")


def _plan(session: Session, losses: list[str], params: Plan, given: dict[str, Any]) -> tuple[str, bool, Plan]:
    """Return the experiment's name, whether its models are published, and its other fields."""
    dataset = dataset_of(session.client, given.pop("dataset"))
    name = given.pop("name") or f"{', '.join(losses)} on {dataset['name']}"[:120]
    publish = given.pop("publish")
    changes, seeds = settings_of(given.pop("changes")), list(dict.fromkeys(given.pop("seeds")))
    return name, publish, {
        "dataset": dataset["id"], "losses": losses, "params": params, "changes": changes, "seeds": seeds, **given,
    }  # fmt: skip


def _params_by_loss(pairs: tuple[str, ...], losses: list[str]) -> Plan:
    found: Plan = {}
    for named, value in settings_of(pairs).items():
        loss, dot, name = named.partition(".")
        if not dot or loss not in losses:
            raise click.UsageError(
                f"--param {named}=... names no loss; give LOSS.NAME=VALUE, LOSS being {' or '.join(losses)}"
            )
        found.setdefault(loss, {})[name] = value
    return found


def _started(session: Session, experiment: Thing) -> None:
    if session.as_json:
        return as_json(experiment)
    say(f"Experiment {experiment['id']} ({experiment['name']}): {len(experiment['runs'])} runs queued.")
    say(f"Wait for it and create the report: kindred compare --experiment {experiment['id']}")


def _run_row(run: Thing, metrics: list[Thing]) -> dict[str, Any]:
    loss = f"{run['loss']} (tuned)" if run.get("tuned") else run["loss"]
    return {**run, "run": run["id"], "loss": loss, **figures_of(run, metrics)}


def _finished(experiment: Thing) -> int:
    return sum(run["state"] == "succeeded" for run in experiment["runs"])


def _end(experiment: Thing, failure: JobFailed | None) -> None:
    """Exit with a status that says how much failed."""
    if failure is None:
        return
    if not _finished(experiment):
        raise failure
    say(f"{failure}")
    click.get_current_context().exit(PARTLY)


COMMANDS = (train, compare)
