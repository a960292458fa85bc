"""Marks of people as graded judgements of a data set's queries, pooled over the results of all models."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from django.db.models import F, QuerySet

from accounts.roles import Visitor
from ratings.services.ballots import RESULTS
from retrieval.datasets.services.visibility import pictures_being_deleted
from retrieval.models import Dataset, Image, Mark, Model, Ranking, Search
from retrieval.registry.services.visibility import visible_models


@dataclass(frozen=True)
class Judgements:
    """What people judged of a data set's queries, and what each model returned for them.

    grades: 0 to 2 by query and picture, of judged queries. runs: of each model by query, at most RESULTS pictures,
    best first, of every query of ballots. paths: of all these pictures. marks, people: how many the grades are of.
    """

    grades: Mapping[int, Mapping[int, int]]
    runs: Mapping[Model, Mapping[int, Sequence[int]]]
    paths: Mapping[int, str]
    marks: int
    people: int


def judgements_of(user: Visitor, dataset: Dataset, *, judged_only: bool = False) -> Judgements:
    """Return the judgements and runs of a data set, of the models that this person may see.

    Queries are those of ballots, so every model has searched the same gallery. A mark counts wherever somebody gave
    it, if the query is one of these pictures, whole, and neither moved towards nor away from other pictures. What is
    hidden or deleted since is left out; later results move up. judged_only: runs of judged queries alone.
    """
    gallery = dataset.images.answering().exclude(pk__in=pictures_being_deleted())
    queries = Search.objects.filter(owner=None, query_image__dataset=dataset, query_image__hidden=False)
    queries = queries.exclude(query_image__in=pictures_being_deleted())
    models = visible_models(user, archived=True)
    marks = Mark.objects.filter(
        image__in=gallery,
        ranking__model__in=models,
        ranking__search__query_image__in=queries.values("query_image"),
        ranking__search__deleted_at=None,
        ranking__search__box__isnull=True,
        ranking__search__more=[],
        ranking__search__less=[],
    ).exclude(image=F("ranking__search__query_image"))
    fields = ("who", "ranking__search__query_image", "image", "value")
    given = marks.order_by("rated_at", "pk").values_list(*fields)
    newest = {(who, query, image): value for who, query, image, value in given}
    grades = _grades(newest)
    runs = _runs(models, queries.filter(query_image__in=list(grades)) if judged_only else queries, gallery)
    named = grades.keys() | {image for of_query in grades.values() for image in of_query}
    named |= {image for run in runs.values() for query, images in run.items() for image in (query, *images)}
    return Judgements(
        grades=grades,
        runs=runs,
        paths=dict(dataset.images.filter(pk__in=named).values_list("pk", "path")),
        marks=len(newest),
        people=len({who for who, _, _ in newest}),
    )


def _grades(marks: Mapping[tuple[int, int, int], int]) -> dict[int, dict[int, int]]:
    """Return the grade of each query and picture: the median of its marks, rounded down. marks: by person first."""
    values: dict[tuple[int, int], list[int]] = {}
    for (_, query, image), value in marks.items():
        values.setdefault((query, image), []).append(value)
    grades: dict[int, dict[int, int]] = {}
    for (query, image), given in sorted(values.items()):
        grades.setdefault(query, {})[image] = int(median(given))
    return grades


def _runs(
    models: Iterable[Model], queries: QuerySet[Search], gallery: QuerySet[Image]
) -> dict[Model, dict[int, list[int]]]:
    """Return each model's run; of two indexes' results for a query the newer ones count."""
    by_key = {model.pk: model for model in models}
    rankings = Ranking.objects.filter(search__in=queries, model__in=list(by_key)).order_by("model", "pk")
    rows = list(rankings.values_list("model", "search__query_image", "image_ids"))
    shown = set(gallery.filter(pk__in={image for *_, images in rows for image in images}).values_list("pk", flat=True))
    runs: dict[Model, dict[int, list[int]]] = {}
    for model, query, images in rows:
        kept = [image for image in images if image in shown and image != query]
        runs.setdefault(by_key[model], {})[query] = kept[:RESULTS]
    return runs
