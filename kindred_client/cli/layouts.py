"""Options about the layout of a source, and the preview of an import."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from kindred_client.cli.exit_codes import REFUSED
from kindred_client.cli.follow import wait
from kindred_client.cli.output import Row, as_json, say, table
from kindred_client.cli.session import Session

Command = TypeVar("Command", bound=Callable[..., Any])
OPTIONS = (
    click.option("--reader", default="", help="Name of a reader, such as folder (default: found)."),
    click.option("--level", type=click.IntRange(1, 100), help="Level of the class folders, 1 at the top."),
    click.option("--pattern", default="", help="Regular expression with a group 'label', looked for in file names."),
    click.option("--path-column", default="", help="Column of the label file with the path."),
    click.option("--label-column", default="", help="Column of the label file with the class."),
    click.option("--split-column", default="", help="Column of the label file with the split."),
    click.option("--split", type=click.Choice(["halves"]), help="halves: the first half of the classes trains."),
    click.option("--rename", multiple=True, metavar="OLD=NEW", help="New name of a class (repeated)."),
)
NAMES = ("reader", "level", "pattern", "path_column", "label_column", "split_column", "split")


def layout_options(command: Command) -> Command:
    """Add an option for each field of the layout."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def taken_layout(options: dict[str, Any]) -> Mapping[str, Any] | None:
    """Take the options of the layout from all others, and return the layout; None where nothing is chosen.

    Raises:
        click.UsageError: a new name is not OLD=NEW.
    """
    layout = {name: value for name in NAMES if (value := options.pop(name))}
    pairs = [text.partition("=") for text in options.pop("rename")]
    if not all(equals for _, equals, _ in pairs):
        raise click.UsageError("--rename takes OLD=NEW")
    if pairs:
        layout["class_names"] = {old: new for old, _, new in pairs}
    return layout or None


def show_preview(session: Session, job: Row) -> None:
    """Wait for a preview and print it; end with the status of a rejection where it could not be imported."""
    found = wait(session, job)["result"]
    if session.as_json:
        as_json(found)
    elif found["first_classes"]:
        say(f"{found['title'] or found['reader']}, recognised by {found['recognised_by']}")
        table(found["first_classes"], ("name", "images", "held_out"))
        say(
            f"{found['images']:,} pictures of {found['classes']:,} classes: {found['train_images']:,} of "
            f"{found['train_classes']:,} to train, {found['test_images']:,} of {found['test_classes']:,} held out"
        )
    for row in found["left_out"]:
        say(f"Left out: {row['files']:,} {row['reason']}, such as {row['examples'][0]}")
    for remark in found["remarks"]:
        say(f"Remark: {remark}")
    if found["refusal"]:
        say(f"This cannot be imported: {found['refusal']}")
        click.get_current_context().exit(REFUSED)
