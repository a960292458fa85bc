"""Commands for ratings: export."""

from pathlib import Path

import click

from kindred_client.cli.names import dataset_of
from kindred_client.cli.output import as_json, say
from kindred_client.cli.reporting import in_a_folder
from kindred_client.cli.session import Session, command

PARTS = {"ratings": "ratings.csv", "marks": "marks.csv", "all": "ratings.json"}


@click.group()
def ratings() -> None:
    """Ratings of models: export."""


@command("export")
@click.option("--dataset", required=True, metavar="SLUG|NAME|ID")
@click.option(
    "--part",
    required=True,
    type=click.Choice(list(PARTS)),
    help="ratings: CSV of the blind ratings; marks: CSV of the marks; all: JSON of both.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File or folder to save to.")
def export(session: Session, dataset: str, part: str, out: Path) -> None:
    """Save blind ratings, marks, or both. People are pseudonyms."""
    in_a_folder("--out", out)
    found = dataset_of(session.client, dataset)
    saved = session.client.ratings.export(found["id"], PARTS[part]).save(out)
    if session.as_json:
        return as_json({"dataset": found["id"], "part": part, "file": str(saved), "bytes": saved.stat().st_size})
    say(f"Saved {saved} ({saved.stat().st_size} bytes)")


ratings.add_command(export)
COMMANDS = (ratings,)
