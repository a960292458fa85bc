"""What people said, without who they are, for whoever wants to count it another way."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet
from django.utils.crypto import salted_hmac

from accounts.roles import Visitor
from config.spreadsheets import csv_text
from ratings.models import BlindScore
from retrieval.downloads import Download
from retrieval.models import Dataset, Mark
from retrieval.registry.services.visibility import visible_models

ABOUT = (
    "What people said of models and of single answers, as it stands now. A person is a pseudonym that stays the same; "
    "names, addresses and people's own pictures are not in it."
)
VOTE = ("person", "day", "query", "query_class", "model", "model_id", "column", "score", "none_good")
MARK = ("person", "day", "query", "model", "model_id", "picture", "picture_class", "rank", "cosine", "mark")


def pseudonym(user_id: int) -> str:
    """Return what stands for a person: always the same, and nobody without the site's key can tell whose it is."""
    return "person-" + salted_hmac("ratings.exports", str(user_id), algorithm="sha256").hexdigest()[:12]


def _votes(user: Visitor, dataset: Dataset) -> QuerySet[BlindScore]:
    cast = BlindScore.objects.filter(ballot__voted_at__isnull=False, ranking__model__in=visible_models(user))
    cast = cast.filter(ballot__search__query_image__dataset=dataset)
    return cast.select_related("ballot__search__query_image__dataset_class", "ranking__model").order_by("pk")


def _marks(user: Visitor, dataset: Dataset) -> QuerySet[Mark]:
    marks = Mark.objects.filter(image__dataset=dataset, ranking__model__in=visible_models(user))
    related = ("image__dataset_class", "ranking__model", "ranking__search__query_image")
    return marks.select_related(*related).order_by("pk")


def _vote(score: BlindScore) -> tuple[object, ...]:
    ballot, query, model = score.ballot, score.ballot.search.query_image, score.ranking.model
    return (
        pseudonym(ballot.who_id),
        ballot.voted_at and ballot.voted_at.date().isoformat(),
        query and query.path,
        query and query.class_name,
        model.name,
        model.pk,
        ballot.order.index(score.ranking_id) + 1,
        score.score,
        int(ballot.none_good),
    )


def _mark(mark: Mark) -> tuple[object, ...]:
    ranking, query = mark.ranking, mark.ranking.search.query_image
    place = ranking.image_ids.index(mark.image_id)
    return (
        pseudonym(mark.who_id),
        mark.rated_at.date().isoformat(),
        query.path if query else "(their own picture)",
        ranking.model.name,
        ranking.model_id,
        mark.image.path,
        mark.image.class_name,
        place + 1,
        ranking.scores[place],
        mark.value,
    )


def _votes_csv(user: Visitor, dataset: Dataset) -> str:
    return csv_text(VOTE, map(_vote, _votes(user, dataset)))


def _marks_csv(user: Visitor, dataset: Dataset) -> str:
    return csv_text(MARK, map(_mark, _marks(user, dataset)))


def _json(user: Visitor, dataset: Dataset) -> str:
    value: dict[str, Any] = {
        "dataset": dataset.name,
        "votes": [dict(zip(VOTE, _vote(score), strict=True)) for score in _votes(user, dataset)],
        "marks": [dict(zip(MARK, _mark(mark), strict=True)) for mark in _marks(user, dataset)],
    }
    return json.dumps(value, indent=1)


@dataclass(frozen=True)
class Export:
    """A file of what people said of a data set's models: its name's end, what it is, and how it is made."""

    suffix: str
    about: str
    content_type: str
    text: Callable[[Visitor, Dataset], str]


EXPORTS: Mapping[str, Export] = {
    "votes.csv": Export("blind-votes.csv", "what each model was given blind, 1 to 5", "text/csv", _votes_csv),
    "marks.csv": Export("marks.csv", "single answers: 0 not it, 1 same kind, 2 what I meant", "text/csv", _marks_csv),
    "ratings.json": Export("ratings.json", "both, as JSON", "application/json", _json),
}


def export_name(dataset: Dataset, part: str) -> str:
    """Return the name under which an export is kept."""
    return f"{dataset.slug}-{EXPORTS[part].suffix}"


def export_of(user: Visitor, dataset: Dataset, part: str) -> bytes:
    """Return one of EXPORTS, of the models that this person may see."""
    return EXPORTS[part].text(user, dataset).encode()


def exports(user: Visitor, datasets: "QuerySet[Dataset]") -> Iterator[Download]:
    """Give the exports of every data set of which somebody said something."""
    for dataset in datasets:
        made_at = _newest(user, dataset)
        if made_at is None:
            continue
        for part, export in EXPORTS.items():
            content = export_of(user, dataset, part)
            yield Download(
                dataset=dataset,
                of="All votes and marks",
                name=export_name(dataset, part),
                about=export.about,
                size=len(content),
                created_at=made_at,
                sha256=hashlib.sha256(content).hexdigest(),
                route=("download-ratings", dataset.slug, part),
            )


def _newest(user: Visitor, dataset: Dataset) -> datetime | None:
    """Return when something was said last; None when nothing was."""
    voted: datetime | None = _votes(user, dataset).aggregate(newest=Max("ballot__voted_at"))["newest"]
    marked: datetime | None = _marks(user, dataset).aggregate(newest=Max("rated_at"))["newest"]
    return max((when for when in (voted, marked) if when), default=None)
