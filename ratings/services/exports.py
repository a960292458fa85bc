"""Exports of blind ratings and marks, with pseudonyms instead of names."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, QuerySet
from django.utils.crypto import salted_hmac

from accounts.roles import Visitor
from config.spreadsheets import csv_text
from ratings.models import BlindScore
from ratings.services.trec_files import qrels_file, runs_file
from retrieval.downloads import Download
from retrieval.models import Dataset, Mark
from retrieval.registry.services.visibility import visible_models

ABOUT = (
    "Blind ratings of models and marks on single results, as they are now. A person is a pseudonym that stays the "
    "same. The files contain no names, no e-mail addresses and no pictures that people uploaded."
)
RATING = (
    "person", "rated_at", "query_path", "query_class_name", "model", "model_name", "column", "rating", "all_bad",
    "core", "propensity", "repeat", "duplicate_rating",
)  # fmt: skip
MARK = (
    "person", "marked_at", "query_path", "model", "model_name", "path", "class_name", "rank", "similarity", "mark",
)  # fmt: skip


def pseudonym(user_id: int) -> str:
    """Return a person's pseudonym: always the same, and only the site's secret key can show whose it is."""
    return "person-" + salted_hmac("ratings.exports", str(user_id), algorithm="sha256").hexdigest()[:12]


def _ratings(user: Visitor, dataset: Dataset) -> QuerySet[BlindScore]:
    cast = BlindScore.objects.filter(
        ballot__voted_at__isnull=False, ranking__model__in=visible_models(user, archived=True)
    )
    cast = cast.filter(ballot__search__query_image__dataset=dataset)
    return cast.select_related("ballot__search__query_image__dataset_class", "ranking__model").order_by("pk")


def _marks(user: Visitor, dataset: Dataset) -> QuerySet[Mark]:
    visible = visible_models(user, archived=True)
    marks = Mark.objects.filter(image__dataset=dataset, ranking__model__in=visible, ranking__search__deleted_at=None)
    related = ("image__dataset_class", "ranking__model", "ranking__search__query_image")
    return marks.select_related(*related).order_by("pk")


def _rating(rating: BlindScore) -> tuple[object, ...]:
    ballot, query, model = rating.ballot, rating.ballot.search.query_image, rating.ranking.model
    return (
        pseudonym(ballot.who_id),
        ballot.voted_at and ballot.voted_at.date().isoformat(),
        query and query.path,
        query and query.class_name,
        model.pk,
        model.name,
        ballot.column_of(rating.ranking_id),
        rating.score,
        int(ballot.none_good),
        None if ballot.is_core is None else int(ballot.is_core),
        None if ballot.propensities is None else ballot.propensities.get(str(rating.ranking_id)),
        int(ballot.repeat_of_id is not None),
        ballot.duplicate_rating if ballot.duplicate and ballot.duplicate["ranking"] == rating.ranking_id else None,
    )


def _mark(mark: Mark) -> tuple[object, ...]:
    ranking, query = mark.ranking, mark.ranking.search.query_image
    place = ranking.image_ids.index(mark.image_id)
    return (
        pseudonym(mark.who_id),
        mark.rated_at.date().isoformat(),
        query.path if query else "(their own picture)",
        ranking.model_id,
        ranking.model.name,
        mark.image.path,
        mark.image.class_name,
        place + 1,
        ranking.scores[place],
        mark.value,
    )


def _ratings_csv(user: Visitor, dataset: Dataset) -> bytes:
    return csv_text(RATING, map(_rating, _ratings(user, dataset))).encode()


def _marks_csv(user: Visitor, dataset: Dataset) -> bytes:
    return csv_text(MARK, map(_mark, _marks(user, dataset))).encode()


def _json(user: Visitor, dataset: Dataset) -> bytes:
    value = {
        "dataset": dataset.name,
        "ratings": [dict(zip(RATING, _rating(row), strict=True)) for row in _ratings(user, dataset)],
        "marks": [dict(zip(MARK, _mark(mark), strict=True)) for mark in _marks(user, dataset)],
    }
    return json.dumps(value, indent=1).encode()


CSV = "text/csv; charset=utf-8"


@dataclass(frozen=True)
class Export:
    """A file of a data set's ratings: the end of its name, a description, its type, and the function that makes it."""

    suffix: str
    about: str
    content_type: str
    content: Callable[[Visitor, Dataset], bytes]


EXPORTS: Mapping[str, Export] = {
    "ratings.csv": Export("blind-ratings.csv", "blind rating of each model, 1 to 5", CSV, _ratings_csv),
    "marks.csv": Export("marks.csv", "marks on single results: 0 no, 1 same kind, 2 exactly this", CSV, _marks_csv),
    "ratings.json": Export("ratings.json", "ratings and marks as JSON", "application/json; charset=utf-8", _json),
    "qrels.txt": Export(
        "qrels.txt",
        "grades of the ballots' queries and pictures from all marks, as TREC qrels",
        "text/plain; charset=utf-8",
        qrels_file,
    ),
    "runs.zip": Export(
        "runs.zip", "results of each model for the ballots' queries, as TREC runs", "application/zip", runs_file
    ),
}


def export_name(dataset: Dataset, part: str) -> str:
    """Return the file name of an export."""
    return f"{dataset.slug}-{EXPORTS[part].suffix}"


def export_of(user: Visitor, dataset: Dataset, part: str) -> bytes:
    """Return one of EXPORTS, of the models that this person may see."""
    return EXPORTS[part].content(user, dataset)


def exports(user: Visitor, datasets: "QuerySet[Dataset]") -> Iterator[Download]:
    """Give the exports of every data set that has a rating or a mark.

    They are written when somebody downloads them, so they have neither size nor checksum before.
    """
    newest = _newest(user)
    for dataset in datasets:
        if dataset.pk not in newest:
            continue
        for part, export in EXPORTS.items():
            yield Download(
                dataset=dataset,
                of="All ratings and marks",
                name=export_name(dataset, part),
                about=export.about,
                size=None,
                created_at=newest[dataset.pk],
                sha256=None,
                route=("download-ratings", dataset.slug, part),
            )


def _newest(user: Visitor) -> dict[int, datetime]:
    """Return the time of the newest rating or mark of each data set that has one."""
    models, of_query = visible_models(user), "ballot__search__query_image__dataset"
    cast = BlindScore.objects.filter(ballot__voted_at__isnull=False, ranking__model__in=models).order_by()
    marks = Mark.objects.filter(ranking__model__in=models).order_by()
    newest: dict[int, datetime] = {}
    for rows in (
        cast.values_list(of_query).annotate(Max("ballot__voted_at")),
        marks.values_list("image__dataset").annotate(Max("rated_at")),
    ):
        for dataset, when in rows:
            newest[dataset] = max(when, newest.get(dataset, when))
    return newest
