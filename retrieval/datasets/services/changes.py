"""Jobs that add or remove pictures of a data set: one at a time, read into a folder beside, then moved in place.

Files are moved before their rows are written, in one transaction. A crash between leaves files without rows, which
the next attempt overwrites.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from accounts.models import User
from config.errors import Conflict, Rejected
from jobs import services as jobs
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.datasets import DatasetFolder, Picture, Source, import_pictures, load_dataset
from mlcore.events import no_progress
from retrieval.models import Dataset, Image
from storage.store import key_of
from storage.transfers import put_all

BATCH = 1000
ADDED = "+"  # the first folder of pictures that curators added; imported ones have names of letters and digits
REPLACED = "~"  # of those that came in place of another of the same name


def submit_change(kind: str, dataset: Dataset, payload: Mapping[str, Any], *, by: User | None) -> Job:
    """Queue a job that adds or removes pictures; a data set has one at a time.

    Raises:
        Conflict: another is queued or running, or the import has not ended well.
    """
    if not dataset.is_ready:
        raise Conflict(f"{dataset.name} is not imported yet; wait for its job")
    wanted = {"dataset": dataset.pk, **payload}
    job = jobs.submit(kind, wanted, by=by, key=f"dataset-files:{dataset.pk}")
    if (job.kind, job.payload) != (kind, wanted):
        raise Conflict(f"job {job.pk} ({job.kind}) is already changing {dataset.name}; wait until it has finished")
    return job


@contextmanager
def taken_aside(source: Source, row: Dataset, context: JobContext) -> Iterator[DatasetFolder]:
    """Yield the readable pictures of a source in a folder beside the data set's own; it goes afterwards."""
    aside = row.folder.with_name(f".{row.folder.name}-job-{context.job_id}")
    shutil.rmtree(aside, ignore_errors=True)  # of an attempt that died
    try:
        import_pictures(source, aside, context.progress)
        yield load_dataset(aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def refusals_fail() -> Iterator[None]:
    """Let a job that a rule refuses fail with the rule's sentence."""
    try:
        yield
    except Rejected as error:
        raise JobFailed(str(error)) from error


def asked_by(context: JobContext) -> User | None:
    """Return the person who started a job, if the account still exists."""
    return User.objects.filter(pk=context.asked_by_id).first() if context.asked_by_id else None


def put_in_place(row: Dataset, aside: DatasetFolder, pictures: Iterable[tuple[Picture, str]]) -> None:
    """Move pictures to their paths below the data set's images, and store them; none of those paths has a row.

    No progress is told: the caller's transaction would keep the job's row from its heartbeat.
    """
    keys = []
    for picture, path in pictures:
        target = row.folder / "images" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.picture_path(picture).replace(target)
        keys.append(key_of(target))
    put_all(keys, no_progress)


def free_path(path: str, job: int, taken: set[str], prefix: str) -> str:
    """Return a path that no picture has, and add it to `taken`, whose paths are lower case.

    With a prefix it is in a folder of the job's; without, it is as given where that is free.
    """
    wanted, number = path if prefix == "" else f"{prefix}{job}/{path}", 1
    while wanted.casefold() in taken:
        number += 1
        other = PurePosixPath(path).with_stem(f"{PurePosixPath(path).stem}-{number}")
        wanted = f"{prefix or REPLACED}{job}/{other}"
    taken.add(wanted.casefold())
    return wanted


def store_rows(row: Dataset, pictures: Sequence[tuple[Picture, str, int, str]]) -> None:
    """Give pictures their rows: what they are, their path, label and split."""
    Image.objects.bulk_create(
        [
            Image(
                dataset=row,
                path=path,
                label=label,
                split=split,
                sha256=picture.sha256,
                width=picture.width,
                height=picture.height,
            )
            for picture, path, label, split in pictures
        ],
        batch_size=BATCH,
    )
