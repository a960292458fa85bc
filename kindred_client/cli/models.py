"""Commands on models."""

import click

from kindred_client.cli.follow import wait
from kindred_client.cli.measured import figures_of, summary_metrics, titles_of
from kindred_client.cli.names import Thing, dataset_of, model_of
from kindred_client.cli.output import as_json, say, table
from kindred_client.cli.session import Session, command


@click.group()
def models() -> None:
    """List, publish, archive and delete models."""


@command("list")
@click.option("--dataset", default=None, metavar="SLUG|NAME|ID", help="Data set that they were trained on.")
@click.option("--loss", default=None, help="Loss that they were trained with.")
@click.option("--published/--unpublished", default=None, help="Published models only, or unpublished ones only.")
def list_models(session: Session, dataset: str | None, loss: str | None, published: bool | None) -> None:
    """List the models that you may see, newest first."""
    found = None if dataset is None else dataset_of(session.client, dataset)["id"]
    rows = list(session.client.models.list(dataset=found, loss=loss, published=published))
    if session.as_json:
        return as_json(rows)
    metrics = summary_metrics(session)
    columns = ("id", "name", "loss", "dataset", "published", *titles_of(metrics))
    table([{**row, **figures_of(row, metrics)} for row in rows], columns)


@command("activate")
@click.argument("model")
@click.option(
    "--index",
    type=int,
    default=None,
    metavar="ID",
    help="Index to activate, for instance an older one; default: see above.",
)
def activate(session: Session, model: str, index: int | None) -> None:
    """Publish a model, with an active index.

    Without --index the active index is kept. If none is active, the newest is activated. If there is none, one is
    built first.
    """
    found = model_of(session.client, model)
    serving = _serving(session, found) if index is None else _chosen(session, found, index)
    published = found if found["published"] else session.client.models.publish(found["id"])
    if session.as_json:
        return as_json({"model": published, "index": serving})
    say(f"{found['name']} is published with index {serving['id']} ({serving['count']} pictures).")


def _chosen(session: Session, model: Thing, index: int) -> Thing:
    found = session.client.indexes.get(index)
    if found["model"] != model["id"]:
        raise click.UsageError(
            f"index {index} belongs to model {found['model']}, not to {model['id']} ({model['name']})"
        )
    return session.client.indexes.activate(index)


def _serving(session: Session, model: Thing) -> Thing:
    there = list(session.client.indexes.list(model=model["id"], dataset=model["dataset"]))
    for index in there:
        if index["active"]:
            return index
    if there:
        return session.client.indexes.activate(there[0]["id"])
    say(f"{model['name']} has no index yet; building one.")
    done = wait(session, session.client.indexes.build(model["id"]))
    session.hint = ""
    return session.client.indexes.get(done["result"]["index"])


@command("delete")
@click.argument("model")
def delete(session: Session, model: str) -> None:
    """Delete a model with its run, files and indexes.

    Refused while people's ratings or marks refer to its results: archive it then.
    """
    row = model_of(session.client, model)
    done = wait(session, session.client.models.delete(row["id"]))
    as_json(done) if session.as_json else say(f"{row['name']} is deleted.")


@command("archive")
@click.argument("model")
def archive(session: Session, model: str) -> None:
    """Archive a model: searches and lists leave it out, its results and ratings stay."""
    row = session.client.models.archive(model_of(session.client, model)["id"])
    as_json(row) if session.as_json else say(f"{row['name']} is archived.")


@command("restore")
@click.argument("model", type=int, metavar="ID")
def restore(session: Session, model: int) -> None:
    """Restore an archived model, which stays unpublished."""
    row = session.client.models.restore(model)
    as_json(row) if session.as_json else say(f"{row['name']} is restored; publish it with: kindred models activate")


models.add_command(list_models)
models.add_command(delete)
models.add_command(archive)
models.add_command(restore)
models.add_command(activate)
COMMANDS = (models,)
