"""The results of a search as files: a table, JSON, or the pictures themselves; and a person's searches."""

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from django.utils.text import slugify

from accounts.models import User
from accounts.roles import Visitor
from config.errors import Busy, Rejected
from config.spreadsheets import csv_text
from retrieval.datasets.services.pictures import shown_picture_of
from retrieval.models import Ranking, Search
from retrieval.search.services.access import query_file, shown_query, visible_searches
from retrieval.search.services.result_fields import (
    ROW_FIELDS,
    Fields,
    document_of,
    headline_fields,
    row_fields,
    rows_of,
)
from retrieval.search.services.results import Column, Result, results_of, results_of_all

NAME_LENGTH = 60  # of a class in a file's name
TRIES = 3  # for a picture whose turn does not come: each waits as long as a page does
AT_ONCE = 200  # searches in memory, with their results


def results_csv(search: Search, viewer: Visitor) -> str:
    """Return the results as CSV, a line per result."""
    return _csv(rows_of(results_of(search, viewer)), ROW_FIELDS)


def results_json(search: Search, viewer: Visitor) -> str:
    """Return the results as JSON, with the search, its query, its data sets, and the headlines of the predictions."""
    results = results_of(search, viewer, with_predictions=True)
    headlines = [headline_fields(headline) for headline in results.headlines]
    return json.dumps({**document_of(results, shown_query(search, viewer)), "headlines": headlines}, indent=1)


def results_zip(search: Search, viewer: Visitor) -> Iterator[bytes]:
    """Yield a zip, picture by picture: a folder per model, results.csv, LICENCE.txt, and the query.

    Pictures are as pages show them, without what a camera wrote. One that is damaged, or whose turn did not come, has
    no `file` in results.csv, which therefore comes last.
    """
    sink = _Sink()
    rows = []
    with zipfile.ZipFile(sink, "w") as archive:  # stored, not deflated: a JPEG gets no smaller
        _put(archive, "query.jpg", lambda: query_file(search, viewer))
        yield sink.taken()
        for column in results_of(search, viewer).columns:
            for result in column.results:
                name = _file_name(column, result)
                is_there = _put(archive, name, partial(shown_picture_of, result.record))
                rows.append({**row_fields(column, result), "file": name if is_there else ""})
                yield sink.taken()
        archive.writestr("results.csv", _csv(rows, (*ROW_FIELDS, "file")))
        archive.writestr("LICENCE.txt", _licences(search))
    yield sink.taken()


def export_searches(user: User) -> list[Fields]:
    """Return a person's searches with the fields of the API and the files, for their personal export.

    `rankings` has all that is stored, also results below the threshold and those hidden or deleted since.
    """
    every = list(visible_searches(user).select_related("query_image__dataset").prefetch_related("rankings__model"))
    documents = []
    for start in range(0, len(every), AT_ONCE):
        searches = every[start : start + AT_ONCE]
        results = results_of_all(searches, user)
        for search in searches:
            document = document_of(results[search.pk], search.query_image)
            rankings = [_stored(ranking) for ranking in search.rankings.all()]
            documents.append({**document, "shared": search.share_token is not None, "rankings": rankings})
    return documents


def _stored(ranking: Ranking) -> Fields:
    return {
        "model": ranking.model_id,
        "model_name": ranking.model.name,
        "index": ranking.index_id,
        "images": ranking.image_ids,
        "similarities": ranking.scores,
    }


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


def _put(archive: zipfile.ZipFile, name: str, find: Callable[[], Path | BinaryIO]) -> bool:
    """Add the JPEG that `find` gives the file of; say whether there was one that can be read."""
    for _ in range(TRIES):
        try:
            found = find()
            with found.open("rb") if isinstance(found, Path) else found as file:
                archive.writestr(name, file.read())
        except Busy:  # better late than an archive without the picture, but not for ever
            continue
        except (OSError, Rejected):
            return False
        return True
    return False


def _csv(rows: Iterable[Fields], names: Sequence[str]) -> str:
    return csv_text(names, (["" if row[name] is None else row[name] for name in names] for row in rows))


def _file_name(column: Column, result: Result) -> str:
    """Return where a picture lies in the archive: no path of the data set goes into it."""
    folder = f"{slugify(column.model_name) or 'model'}-{column.model}"
    name = slugify(result.class_name)[:NAME_LENGTH] or "picture"
    return f"{folder}/{result.rank:03d}-{name}-{result.image}.jpg"


def _licences(search: Search) -> str:
    """Return what may be done with the pictures, data set by data set."""
    lines = ["Pictures in this archive belong to these data sets:", ""]
    for dataset in search.datasets.all():
        lines += [dataset.name, f"  Licence: {dataset.licence or 'not stated; ask before you pass its pictures on'}"]
        lines += [f"  Attribution: {dataset.attribution}"] if dataset.attribution else []
    return "\n".join(lines) + "\n"
