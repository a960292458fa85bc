"""Commands on experiments: list, archive, restore, delete."""

import click

from kindred_client.cli.follow import wait
from kindred_client.cli.output import as_json, say, table
from kindred_client.cli.session import Session, command

COLUMNS = ("id", "name", "dataset", "runs", "archived_at", "created_at")


@click.group()
def experiments() -> None:
    """List, archive and delete experiments; train and compare start them."""


@command("list")
@click.option("--archived", is_flag=True, help="Archived experiments only.")
def list_experiments(session: Session, archived: bool) -> None:
    """List experiments, newest first."""
    rows = list(session.client.experiments.list(archived=archived or None))
    if session.as_json:
        return as_json(rows)
    table([{**row, "runs": len(row["runs"])} for row in rows], COLUMNS)


@command("delete")
@click.argument("experiment", type=int, metavar="ID")
def delete(session: Session, experiment: int) -> None:
    """Delete an experiment with its runs, models and report.

    Refused while people's ratings or marks refer to its results: archive it then.
    """
    row = session.client.experiments.get(experiment)
    done = wait(session, session.client.experiments.delete(experiment))
    as_json(done) if session.as_json else say(f"{row['name']} is deleted.")


@command("archive")
@click.argument("experiment", type=int, metavar="ID")
def archive(session: Session, experiment: int) -> None:
    """Archive an experiment: its models are unpublished, lists leave it out, its results stay."""
    row = session.client.experiments.archive(experiment)
    as_json(row) if session.as_json else say(f"{row['name']} is archived.")


@command("restore")
@click.argument("experiment", type=int, metavar="ID")
def restore(session: Session, experiment: int) -> None:
    """Restore an archived experiment; its models stay unpublished."""
    row = session.client.experiments.restore(experiment)
    as_json(row) if session.as_json else say(f"{row['name']} is restored.")


for _command in (list_experiments, delete, archive, restore):
    experiments.add_command(_command)
COMMANDS = (experiments,)
