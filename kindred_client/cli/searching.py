"""Searching with one picture or thousands."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from kindred_client.cli.exit_codes import PARTLY, code_of
from kindred_client.cli.names import Thing, dataset_of, model_of
from kindred_client.cli.output import as_json_line, cell, say
from kindred_client.cli.session import Session, command
from kindred_client.errors import KindredError, Problem
from kindred_client.folders import pictures_in

SPLITS = ("train", "test", "query", "gallery")
Picture = str | Path | int


@command("search")
@click.argument("picture", nargs=-1)
@click.option("--from", "listed", type=click.File(), default=None, help="File with pictures, one per line; - is stdin.")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    required=True,
    metavar="SLUG|NAME|ID",
    help="Data set to search (repeatable).",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME|ID",
    help="Model to search with (repeatable); default: all with an index.",
)
@click.option("-k", "k", type=click.IntRange(1), default=None, help="Results per model (default 12).")
@click.option(
    "--box",
    type=float,
    nargs=4,
    default=None,
    metavar="LEFT TOP RIGHT BOTTOM",
    help="Part of the picture to search, 0 to 1; default: all of it.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(-1, 1),
    default=None,
    help="Minimum similarity (-1 to 1). Matches below it are hidden.",
)
@click.option(
    "--split", "splits", multiple=True, type=click.Choice(SPLITS), help="Split to limit results to (repeatable)."
)
@click.option("--workers", default=4, show_default=True, type=click.IntRange(1, 16), help="Parallel requests.")
def search(
    session: Session, picture: tuple[str, ...], *, listed: Any, datasets: tuple[str, ...], models: tuple[str, ...],
    splits: tuple[str, ...], **options: Any,
) -> None:  # fmt: skip
    """Find the pictures most similar to each PICTURE: a file, a folder, a URL, or the id of an image.

    A number is the id of an image; ./12 is a file. --json prints one line per picture, in their order.
    """
    pictures = list(queries_of(picture, listed or ()))
    session.quiet = sys.stdout.isatty()  # a bar would stand between the results
    client = session.client
    chosen: dict[str, Any] = {
        "datasets": [dataset_of(client, name)["id"] for name in datasets],
        "models": [model_of(client, name)["id"] for name in models],
        "filters": {"splits": list(splits)} if splits else None,
    }
    session.hint = "Printed pictures are done; run the command again for the rest."
    problems: list[Problem] = []
    outcomes = client.searches.many(pictures, total=len(pictures), **chosen, **options)
    for query, outcome in zip(pictures, outcomes, strict=True):
        if isinstance(outcome, Problem):
            problems.append(outcome)
        _show(session, str(query), outcome)
    _end(problems, len(pictures))


def queries_of(named: Iterable[str], lines: Iterable[str]) -> Iterator[Picture]:
    """Yield the query pictures; a folder gives the pictures in it.

    Raises:
        click.UsageError: there is none.
    """
    words = [*named, *(line.strip() for line in lines if line.strip())]
    if not words:
        raise click.UsageError("no picture given: name a file, a folder, a URL or the id of an image")
    for word in words:
        if word.isascii() and word.isdecimal():
            yield int(word)
        elif Path(word).is_dir():
            try:
                yield from (picture.where for picture in pictures_in(Path(word)))
            except KindredError as error:
                raise click.UsageError(str(error)) from None
        else:
            yield word


def _show(session: Session, picture: str, outcome: "Thing | Problem") -> None:
    if isinstance(outcome, Problem):
        if session.as_json:
            as_json_line({"picture": picture, "problem": document_of(outcome)})
        return say(f"{picture}: {outcome}")
    if session.as_json:
        return as_json_line({"picture": picture, "search": outcome})
    click.echo(cell(picture))
    for column in outcome["columns"]:
        for row in column["results"]:
            place = f"{row['rank']:>3}  {row['similarity']:>7.4f}"
            click.echo(f"  {cell(column['model_name'])}  {place}  {cell(row['class_name'])}  (image {row['image']})")


def document_of(problem: Problem) -> dict[str, Any]:
    """Return the problem as the API writes it."""
    errors = [vars(error) for error in problem.errors]
    document = {"type": problem.type, "title": problem.title, "status": problem.status, "detail": problem.detail}
    return {**document, "errors": errors} if errors else document


def _end(problems: list[Problem], count: int) -> None:
    if not problems:
        return
    if count > 1:
        kinds = Counter(problem.slug for problem in problems)
        say(f"{len(problems)} of {count} failed: {', '.join(f'{kind} ({times})' for kind, times in kinds.items())}")
    click.get_current_context().exit(code_of(problems[0]) if len(problems) == count else PARTLY)


COMMANDS = (search,)
