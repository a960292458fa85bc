"""The answers of a search as files: a table, JSON, or the pictures themselves."""

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from django.utils.text import slugify

from accounts.roles import Visitor
from config.errors import Busy, Rejected
from config.spreadsheets import csv_text
from retrieval.datasets.services.pictures import shown_picture_of
from retrieval.models import Image, Model, Search
from retrieval.search.services.access import query_file, shown_query
from retrieval.search.services.results import answers_of

Marks = Mapping[tuple[int, int], str]
"""What the owner said of an answer, in words, by ranking and picture; who calls knows it."""

FIELDS = ("model", "model_id", "rank", "cosine", "class", "dataset", "picture", "picture_id", "mark")
NAME_LENGTH = 60  # of a class in a file's name
TRIES = 3  # for a picture whose turn does not come: each waits as long as a page does


def answers_csv(search: Search, viewer: Visitor, marks: Marks) -> str:
    """Return the answers as CSV, a line an answer."""
    return _csv([row for _, _, row in _rows(search, viewer, marks)])


def answers_json(search: Search, viewer: Visitor, marks: Marks) -> str:
    """Return the answers as JSON, with what was asked."""
    query = shown_query(search, viewer)
    value = {
        "search": str(search.pk),
        "name": search.name,
        "asked_at": search.created_at.isoformat(),
        "query": query and {"dataset": query.dataset.name, "picture": query.path, "class": query.class_name},
        "box": search.box,
        "threshold": search.threshold,
        "filters": search.filters,
        "exclude_self": search.exclude_self,
        "more_like": search.more,
        "less_like": search.less,
        "datasets": [
            {"name": dataset.name, "licence": dataset.licence, "attribution": dataset.attribution}
            for dataset in search.datasets.all()
        ],
        "answers": [row for _, _, row in _rows(search, viewer, marks)],
    }
    return json.dumps(value, indent=1)


def answers_zip(search: Search, viewer: Visitor, marks: Marks) -> Iterator[bytes]:
    """Yield a zip, picture by picture: a folder a model, answers.csv, LICENCE.txt, and the query.

    Pictures are as pages show them, without what a camera wrote. One that is damaged, or whose turn did not come, has
    no `file` in answers.csv, which therefore comes last.
    """
    sink = _Sink()
    rows = []
    with zipfile.ZipFile(sink, "w") as archive:  # stored, not deflated: a JPEG gets no smaller
        _put(archive, "query.jpg", lambda: query_file(search, viewer))
        yield sink.taken()
        for model, image, row in _rows(search, viewer, marks):
            name = _file_name(model, image, row["rank"])
            is_there = _put(archive, name, partial(shown_picture_of, image))
            rows.append({**row, "file": name if is_there else ""})
            yield sink.taken()
        archive.writestr("answers.csv", _csv(rows))
        archive.writestr("LICENCE.txt", _licences(search))
    yield sink.taken()


class _Sink:
    """What an archive is written to, to be taken away as it grows."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is written waits here until it is taken."""

    def close(self) -> None:
        """Do nothing: what is left is taken after the end."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _put(archive: zipfile.ZipFile, name: str, find: Callable[[], Path]) -> bool:
    """Add the JPEG that `find` gives the file of; say whether there was one that can be read."""
    for _ in range(TRIES):
        try:
            archive.writestr(name, find().read_bytes())
        except Busy:  # better late than an archive without the picture, but not for ever
            continue
        except (OSError, Rejected):
            return False
        return True
    return False


def _rows(search: Search, viewer: Visitor, marks: Marks) -> Iterator[tuple[Model, Image, dict[str, Any]]]:
    for column in answers_of(search, viewer):
        model = column["model"]
        for answer in column["answers"]:
            image = answer["image"]
            values = (
                model.name,
                model.pk,
                answer["rank"],
                answer["score"],
                image.class_name,
                image.dataset.name,
                image.path,
                image.pk,
                marks.get((answer["ranking"].pk, image.pk), ""),
            )
            yield model, image, dict(zip(FIELDS, values, strict=True))


def _csv(rows: Iterable[dict[str, Any]]) -> str:
    rows = list(rows)
    fields = (*FIELDS, "file") if rows and "file" in rows[0] else FIELDS
    return csv_text(fields, ([row[field] for field in fields] for row in rows))


def _file_name(model: Model, image: Image, rank: int) -> str:
    """Return where a picture lies in the archive: no path of the data set goes into it."""
    folder = f"{slugify(model.name) or 'model'}-{model.pk}"
    return f"{folder}/{rank:03d}-{slugify(image.class_name)[:NAME_LENGTH] or 'picture'}-{image.pk}.jpg"


def _licences(search: Search) -> str:
    """Return what may be done with the pictures, data set by data set."""
    lines = ["Pictures in this archive belong to these data sets:", ""]
    for dataset in search.datasets.all():
        lines += [dataset.name, f"  Licence: {dataset.licence or 'not stated; ask before you pass its pictures on'}"]
        lines += [f"  Attribution: {dataset.attribution}"] if dataset.attribution else []
    return "\n".join(lines) + "\n"
