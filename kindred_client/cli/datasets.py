"""Commands of data sets: list, import, and download of pictures."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from kindred_client.cli.follow import wait
from kindred_client.cli.layouts import layout_options, show_preview, taken_layout
from kindred_client.cli.names import dataset_of
from kindred_client.cli.output import Row, as_json, say, table
from kindred_client.cli.session import Session, command
from kindred_client.errors import KindredError
from kindred_client.folders import pictures_in

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".tbz", ".xz", ".txz", ".zst", ".tzst")


@click.group()
def datasets() -> None:
    """Data sets: list, import, download pictures."""


@command("list")
def list_datasets(session: Session) -> None:
    """List the data sets that you can see."""
    rows = list(session.client.datasets.list())
    if session.as_json:
        return as_json(rows)
    table([summary(row) for row in rows], ("id", "slug", "name", "classes", "images", "public", "licence"))


def summary(dataset: Row) -> Mapping[str, object]:
    return {**dataset, "classes": len(dataset["classes"]), "images": (dataset["report"] or {}).get("images")}


@command("import")
@click.argument("source")
@click.option("--name", default="", help="Name of the data set; required without --preview.")
@click.option("--preview", is_flag=True, help="Show what would be imported and left out; store no data set.")
@click.option("--server-path", is_flag=True, help="Read SOURCE on the server: a path, or wings:species=60,...")
@click.option("--licence", default="", help="Licence of its pictures.")
@click.option("--attribution", default="", help="Photographers, museum or paper to credit.")
@click.option("--unlabelled", is_flag=True, help="Ignore folder names (default: they are classes).")
@click.option("--public", is_flag=True, help="Make it public: visitors see it (default: members only).")
@click.option(
    "--workers", default=4, show_default=True, type=click.IntRange(1, 16), help="Connections that send a folder."
)
@click.option("--no-wait", is_flag=True, help="Return at once; not for a folder.")
@layout_options
def import_dataset(
    session: Session, source: str, *, name: str, preview: bool, server_path: bool, unlabelled: bool, workers: int,
    no_wait: bool, **about: Any,
) -> None:  # fmt: skip
    """Import a folder of class folders, an archive of one, or a path on the server.

    A folder is sent picture by picture. After an interruption, the same command resumes.
    """
    about |= {"labelled": not unlabelled, "layout": taken_layout(about)}
    if preview:
        return _preview(session, source, server_path, about)
    if not name:
        raise click.UsageError("give --name, the name of the data set, or --preview")
    if not server_path and Path(source).is_dir():
        if no_wait:
            raise click.UsageError(
                "--no-wait does not work with a folder, which this command sends; use an archive or --server-path"
            )
        return _show(session, _import_folder(session, source, name, workers, about))
    if server_path:
        job = session.client.datasets.create(name, source=source, **about)
    else:
        job = session.client.datasets.create(name, archive=archive_at(source), **about)
    if no_wait:
        return (
            as_json(job)
            if session.as_json
            else say(f"Job {job['id']} is queued. Wait for it: kindred jobs wait {job['id']}")
        )
    done = wait(session, job)
    _show(session, session.client.datasets.get(done["result"]["dataset"]))


def _preview(session: Session, source: str, server_path: bool, about: Mapping[str, Any]) -> None:
    if not server_path and Path(source).is_dir():
        raise click.UsageError("--preview needs an archive, or a path of the server with --server-path")
    origin: dict[str, Any] = {"source": source} if server_path else {"archive": archive_at(source)}
    job = session.client.datasets.preview(**origin, labelled=about["labelled"], layout=about["layout"])
    show_preview(session, job)


def _import_folder(session: Session, folder: str, name: str, workers: int, about: Mapping[str, Any]) -> Row:
    try:
        count = len(pictures_in(Path(folder)))
    except KindredError as error:
        raise click.UsageError(str(error)) from None
    say(f"{count} pictures in {folder}")
    session.hint = "The same command resumes."
    return session.client.datasets.import_folder(folder, name, workers=workers, **about)


def archive_at(source: str) -> Path:
    """Return the archive of that path.

    Raises:
        click.UsageError: there is none.
    """
    path = Path(source)
    if not path.exists():
        raise click.UsageError(f"there is no file or folder {source}; to read it on the server, add --server-path")
    if not path.is_file() or path.suffix.lower() not in ARCHIVES:
        raise click.UsageError(f"{source} is neither a folder nor an archive ({', '.join(ARCHIVES)})")
    return path


def _show(session: Session, dataset: Row) -> None:
    if session.as_json:
        return as_json(dataset)
    table([summary(dataset)], ("id", "slug", "name", "classes", "images", "public", "licence"))


@command("images")
@click.argument("dataset")
@click.option("--class", "class_name", default=None, help="Only pictures of the class of this name.")
@click.option("--split", type=click.Choice(["train", "test", "query", "gallery"]), help="Only pictures of this split.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to save the pictures in, with one folder per class (default: list them).",
)
def dataset_images(
    session: Session, dataset: str, *, class_name: str | None, split: str | None, out: Path | None
) -> None:
    """List the pictures of a data set, or save them as JPEG.

    DATASET is an id, a slug or a name. After an interruption, the same command saves what is missing.
    """
    about = dataset_of(session.client, dataset)
    images = session.client.datasets.images(about, class_name=class_name, split=split, limit=1000)
    if out is None:
        rows = list(images)
        if session.as_json:
            return as_json(rows)
        return table(rows, ("id", "class_name", "split", "width", "height", "path"))
    session.hint = "The same command saves what is missing."
    saved = 0
    for image in images:
        file = out / folder_name(image["label"], image["class_name"]) / f"{image['id']}.jpg"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            session.client.images.file(image).save(file)
            saved += 1
    if session.as_json:
        return as_json({"folder": str(out), "saved": saved})
    say(f"{saved} picture{'' if saved == 1 else 's'} saved in {out}")


def folder_name(label: int, class_name: str) -> str:
    """Return the name of a class's folder: its label, and of its name what every file system takes."""
    safe = re.sub(r"[^\w.-]+", "_", class_name)[:60]
    return f"{label:05d} {safe}".strip(" ._")


datasets.add_command(list_datasets)
datasets.add_command(dataset_images)
datasets.add_command(import_dataset)
COMMANDS = (datasets,)
