"""Models: what there is, and which of them searches read."""

import click

from kindred_client.cli.follow import wait
from kindred_client.cli.measured import figures_of, summary_metrics, titles_of
from kindred_client.cli.names import Thing, dataset_of, model_of
from kindred_client.cli.output import as_json, say, table
from kindred_client.cli.session import Session, command


@click.group()
def models() -> None:
    """Models: list, activate."""


@command("list")
@click.option("--dataset", default=None, metavar="SLUG|NAME|ID", help="Trained on this data set.")
@click.option("--loss", default=None, help="Trained with this loss.")
@click.option("--published/--withdrawn", default=None, help="Those that people search with, or the others.")
def list_models(session: Session, dataset: str | None, loss: str | None, published: bool | None) -> None:
    """List the models that one may see, the newest first."""
    found = None if dataset is None else dataset_of(session.client, dataset)["id"]
    rows = list(session.client.models.list(dataset=found, loss=loss, published=published))
    if session.as_json:
        return as_json(rows)
    metrics = summary_metrics(session)
    columns = ("id", "name", "loss", "dataset", "published", *titles_of(metrics))
    table([{**row, **figures_of(row, metrics)} for row in rows], columns)


@command("activate")
@click.argument("model")
@click.option("--index", type=int, default=None, metavar="ID", help="Let searches read this one, e.g. an older one.")
def activate(session: Session, model: str, index: int | None) -> None:
    """Let people search with a model: publish it, and see that it has an index that searches read.

    Without --index the one that serves goes on serving; where none does, the newest does; where there is none, one is
    built and waited for.
    """
    found = model_of(session.client, model)
    serving = _serving(session, found) if index is None else _chosen(session, found, index)
    published = found if found["published"] else session.client.models.publish(found["id"])
    if session.as_json:
        return as_json({"model": published, "index": serving})
    say(f"{found['name']} is published; searches read its index {serving['id']} ({serving['count']} pictures).")


def _chosen(session: Session, model: Thing, index: int) -> Thing:
    found = session.client.indexes.get(index)
    if found["model"] != model["id"]:
        raise click.UsageError(f"index {index} is of model {found['model']}, not of {model['id']} ({model['name']})")
    return session.client.indexes.activate(index)


def _serving(session: Session, model: Thing) -> Thing:
    there = list(session.client.indexes.list(model=model["id"], dataset=model["dataset"]))
    for index in there:
        if index["active"]:
            return index
    if there:
        return session.client.indexes.activate(there[0]["id"])
    say(f"{model['name']} has no index yet: it is being built.")
    done = wait(session, session.client.indexes.build(model["id"]))
    session.hint = ""
    return session.client.indexes.get(done["result"]["index"])


models.add_command(list_models)
models.add_command(activate)
COMMANDS = (models,)
