"""Training: one loss, or several compared."""

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

MOST_PROBES = 3  # an estimate that has to be measured is asked for again; it is there after one
NEEDED = {"dataset": "dataset", "loss": "losses", "preset": "preset"}  # options and their parameters
Wish = dict[str, Any]


def wishes(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how is trained."""
    for option in (
        click.option("--name", default="", help="What the experiment is called; made up where it is not given."),
        click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", help="Change the preset's protocol."),
        click.option("--weights", default="", metavar="FILE", help="Of the server's weights folder."),
        click.option("--trials", default=0, type=click.IntRange(0), help="Of the tuning of each loss."),
        click.option("--validation-classes", default=0, type=click.IntRange(0), help="Tuning is measured on them."),
        click.option("--no-publish", is_flag=True, help="Do not search with the models when they can."),
        click.option("--no-wait", is_flag=True, help="Only start it."),
    ):
        function = option(function)
    return function


@command("train")
@click.option("--dataset", required=True, metavar="SLUG|NAME|ID")
@click.option("--loss", required=True, help="soft_triple, multi_similarity, ...")
@click.option("--seed", "seeds", multiple=True, type=click.IntRange(0), default=(0,), help="May be repeated.")
@click.option("--preset", required=True, help="The protocol: demo, frozen-features, fine-tune-small, ...")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the loss.")
@wishes
def train(session: Session, loss: str, params: tuple[str, ...], no_wait: bool, **given: Any) -> None:
    """Train one loss, wait, and show what it was measured at."""
    named, publish, wish = _wish(session, [loss], {loss: settings_of(params)} if params else {}, given)
    experiment = session.client.experiments.start(named, publish=publish, **wish)
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
@click.option("--loss", "losses", multiple=True, help="Repeated for each; untrained and half_whitened_pca as well.")
@click.option("--seed", "seeds", multiple=True, type=click.IntRange(0), default=(0,), help="May be repeated.")
@click.option("--preset", default="", help="The protocol: demo, frozen-features, fine-tune-small, ...")
@click.option("--param", "params", multiple=True, metavar="LOSS.NAME=VALUE", help="A parameter of one loss.")
@click.option("--experiment", type=int, default=None, metavar="ID", help="Go on with one that was started.")
@click.option(
    "--report", "files", multiple=True, type=click.Path(path_type=Path), help="Save it: .html, .md, .tex, .csv or .json"
)
@wishes
def compare(session: Session, experiment: int | None, files: tuple[Path, ...], no_wait: bool, **given: Any) -> None:
    """Train several losses alike, wait, and make the report.

    How long it will take is told first. Ctrl-C leaves the runs at work; --experiment goes on waiting for them.
    """
    reporting.check(files)
    _check_wish(experiment, given)
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


def _check_wish(experiment: int | None, given: dict[str, Any]) -> None:
    said = {f"--{name}": bool(given[key]) for name, key in NEEDED.items()}
    missing, extra = [name for name in said if not said[name]], [name for name in said if said[name]]
    if experiment is None and missing:
        raise click.UsageError(f"{', '.join(missing)}: needed, unless --experiment names one that was started")
    if experiment is not None and extra:
        raise click.UsageError(f"--experiment names one that was started; {', '.join(extra)} would not change it")


def _start(session: Session, given: dict[str, Any]) -> Thing:
    losses = list(given.pop("losses"))
    named, publish, wish = _wish(session, losses, _params_by_loss(given.pop("params"), losses), given)
    estimate = estimated(session, wish)
    say(f"{estimate['runs']} runs, about {duration(estimate['seconds'])} ({estimate['source']})")
    return session.client.experiments.start(named, publish=publish, **wish)


def estimated(session: Session, wish: Wish) -> Thing:
    """Return how long it would take; where that must be measured first, after the measuring."""
    for _ in range(MOST_PROBES):
        found: Thing = session.client.experiments.estimate(**wish)
        if "seconds" in found:
            return found
        say("How fast this trains here is measured first.")
        wait(session, found["id"])
    raise KindredError("the site measures again and again how long it would take; start it without: kindred train")


def _wish(session: Session, losses: list[str], params: Wish, given: dict[str, Any]) -> tuple[str, bool, Wish]:
    """Return the experiment's name, whether it is published, and what else it is asked with."""
    dataset = dataset_of(session.client, given.pop("dataset"))
    name = given.pop("name") or f"{', '.join(losses)} on {dataset['name']}"[:120]
    publish = not given.pop("no_publish")
    changes, seeds = settings_of(given.pop("changes")), list(dict.fromkeys(given.pop("seeds")))
    return name, publish, {
        "dataset": dataset["id"], "losses": losses, "params": params, "changes": changes, "seeds": seeds, **given,
    }  # fmt: skip


def _params_by_loss(pairs: tuple[str, ...], losses: list[str]) -> Wish:
    found: Wish = {}
    for named, value in settings_of(pairs).items():
        loss, dot, name = named.partition(".")
        if not dot or loss not in losses:
            raise click.UsageError(f"--param {named}=...: say LOSS.NAME=VALUE, of {' or '.join(losses)}")
        found.setdefault(loss, {})[name] = value
    return found


def _started(session: Session, experiment: Thing) -> None:
    if session.as_json:
        return as_json(experiment)
    say(f"Experiment {experiment['id']} ({experiment['name']}): {len(experiment['runs'])} runs are queued.")
    say(f"Wait for it and make the report: kindred compare --experiment {experiment['id']}")


def _run_row(run: Thing, metrics: list[Thing]) -> dict[str, Any]:
    loss = f"{run['loss']} (tuned)" if run.get("tuned") else run["loss"]
    return {**run, "run": run["id"], "loss": loss, **figures_of(run, metrics)}


def _finished(experiment: Thing) -> int:
    return sum(run["state"] == "succeeded" for run in experiment["runs"])


def _end(experiment: Thing, failure: JobFailed | None) -> None:
    """End with the right status where not all of it succeeded."""
    if failure is None:
        return
    if not _finished(experiment):
        raise failure
    say(f"{failure}")
    click.get_current_context().exit(PARTLY)


COMMANDS = (train, compare)
