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
@click.option("--from", "listed", type=click.File(), default=None, help="A list of pictures, one a line; - is stdin.")
@click.option("--dataset", "datasets", multiple=True, required=True, metavar="SLUG|NAME|ID", help="May be repeated.")
@click.option("--model", "models", multiple=True, metavar="NAME|ID", help="May be repeated; all, unless told.")
@click.option("-k", "k", type=click.IntRange(1), default=None, help="So many answers of each model; usually 12.")
@click.option("--box", type=float, nargs=4, default=None, metavar="LEFT TOP RIGHT BOTTOM", help="0 to 1: look there.")
@click.option("--threshold", type=click.FloatRange(-1, 1), default=None, help="The lowest cosine that is shown.")
@click.option("--split", "splits", multiple=True, type=click.Choice(SPLITS), help="Answers of this split only.")
@click.option("--workers", default=4, show_default=True, type=click.IntRange(1, 16), help="Requests at once.")
def search(
    session: Session, picture: tuple[str, ...], *, listed: Any, datasets: tuple[str, ...], models: tuple[str, ...],
    splits: tuple[str, ...], **terms: Any,
) -> None:  # fmt: skip
    """Find the pictures most like each PICTURE: a file, a folder of them, a web address, or the id of an image.

    A number is the id of an image; ./12 is a file. With --json there is a line for each picture, in their order.
    """
    pictures = list(asked(picture, listed or ()))
    session.quiet = sys.stdout.isatty()  # a bar would stand between the answers
    client = session.client
    chosen: dict[str, Any] = {
        "datasets": [dataset_of(client, name)["id"] for name in datasets],
        "models": [model_of(client, name)["id"] for name in models],
        "filters": {"splits": list(splits)} if splits else None,
    }
    session.hint = "What is printed was asked; ask for the rest again."
    met: list[Problem] = []
    found = client.searches.many(pictures, total=len(pictures), **chosen, **terms)
    for asked_with, answer in zip(pictures, found, strict=True):
        if isinstance(answer, Problem):
            met.append(answer)
        _show(session, str(asked_with), answer)
    _end(met, len(pictures))


def asked(named: Iterable[str], lines: Iterable[str]) -> Iterator[Picture]:
    """Yield what to search with; folders give the pictures in them.

    Raises:
        click.UsageError: there is none.
    """
    words = [*named, *(line.strip() for line in lines if line.strip())]
    if not words:
        raise click.UsageError("name a picture: a file, a folder, a web address or the id of an image")
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


def _show(session: Session, picture: str, answer: "Thing | Problem") -> None:
    if isinstance(answer, Problem):
        if session.as_json:
            as_json_line({"picture": picture, "problem": document_of(answer)})
        return say(f"{picture}: {answer}")
    if session.as_json:
        return as_json_line({"picture": picture, "search": answer})
    click.echo(cell(picture))
    for column in answer["results"]:
        for row in column["answers"]:
            place = f"{row['rank']:>3}  {row['similarity']:>7.4f}"
            click.echo(f"  {cell(column['model_name'])}  {place}  {cell(row['class_name'])}  (image {row['image']})")


def document_of(problem: Problem) -> dict[str, Any]:
    """Return the problem as the API writes it."""
    errors = [vars(error) for error in problem.errors]
    told = {"type": problem.type, "title": problem.title, "status": problem.status, "detail": problem.detail}
    return {**told, "errors": errors} if errors else told


def _end(met: list[Problem], count: int) -> None:
    if not met:
        return
    if count > 1:
        kinds = Counter(problem.slug for problem in met)
        say(f"{len(met)} of {count} failed: {', '.join(f'{kind} ({times})' for kind, times in kinds.items())}")
    click.get_current_context().exit(code_of(met[0]) if len(met) == count else PARTLY)


COMMANDS = (search,)
