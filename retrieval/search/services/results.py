"""What a stored search shows: a column a model, from the rankings of all its data sets."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations, groupby
from typing import Any
from uuid import UUID

from accounts.roles import Visitor
from mlcore.index import overlap_at
from retrieval.datasets.services.classes import names_of
from retrieval.datasets.services.visibility import shown_images, visible_datasets
from retrieval.models import Dataset, Image, Model, Ranking, Search
from retrieval.search.services.access import shown_query
from retrieval.search.services.status import outdated, unanswered

Columns = list[dict[str, Any]]


def answers_of(search: Search, viewer: Visitor) -> Columns:
    """Return a column for each model: its rankings merged by cosine, the best k, those over the threshold.

    An answer has the picture, its ranking, rank and cosine, and in how many columns the picture is shown;
    `below` counts what the threshold hides. Data sets that `viewer` may not see are left out, and so are pictures
    deleted or hidden since; the ranks of the others stay.
    """
    return answers_of_all([search], viewer)[search.pk]


def answers_of_all(searches: Sequence[Search], viewer: Visitor) -> dict[UUID, Columns]:
    """Return the columns of each search, by its key; the database is asked as often as for one."""
    rankings = Ranking.objects.filter(search__in=searches, index__dataset__in=visible_datasets(viewer))
    rankings = rankings.select_related("model__run", "index__dataset")
    by_key = {search.pk: search for search in searches}
    of_search: dict[UUID, list[Ranking]] = {key: [] for key in by_key}
    for ranking in rankings.order_by("pk"):
        ranking.search = by_key[ranking.search_id]
        of_search[ranking.search_id].append(ranking)
    found = {search.pk: _columns(search, of_search[search.pk]) for search in searches}
    ids = {answer["image"] for columns in found.values() for column in columns for answer in column["answers"]}
    images = shown_images(viewer).named().in_bulk(list(ids))
    for search in searches:
        _show(search, found[search.pk], images)
    return found


def _columns(search: Search, rankings: Sequence[Ranking]) -> Columns:
    return [_merged(search, list(group)) for _, group in groupby(rankings, lambda ranking: ranking.model_id)]


def _show(search: Search, columns: Columns, images: Mapping[int, Image]) -> None:
    """Put pictures in the place of their keys, and leave out what is not shown."""
    for column in columns:
        answers = [
            answer | {"image": images[answer["image"]]} for answer in column["answers"] if answer["image"] in images
        ]
        column["answers"] = [answer for answer in answers if _is_near(search, answer)]
        column["below"] = len(answers) - len(column["answers"])
    counts = Counter(answer["image"].pk for column in columns for answer in column["answers"])
    for answer in (answer for column in columns for answer in column["answers"]):
        answer["shared_count"] = counts[answer["image"].pk]


def summary_of(search: Search, columns: list[dict[str, Any]], viewer: Visitor) -> dict[str, Any]:
    """Return what a page says of a search beside each answer.

    withheld: how many data sets were searched that `viewer` may not see. query: the picture of a data set that was
    searched with, None where it was another or is hidden.
    """
    query = shown_query(search, viewer)
    seen = set(visible_datasets(viewer).values_list("pk", flat=True))
    searched = list(search.datasets.all())
    datasets = [dataset for dataset in searched if dataset.pk in seen]
    indexes = [row.index for column in columns for row in column["rankings"]]
    for column in columns:
        column["missing"] = unanswered(datasets, [row.index for row in column["rankings"]])
    return {
        "search": search,
        "columns": columns,
        "problems": problems_of(search),
        "datasets": datasets,
        "withheld": len(searched) - len(datasets),
        "query": query,
        "query_shown": search.query_image_id is None or query is not None,
        "shown": sum(len(column["answers"]) for column in columns),
        "below": sum(column["below"] for column in columns),
        "took_ms": sum(column["took_ms"] for column in columns),
        "overlaps": overlaps_of(search, columns),
        "outdated": outdated(indexes),
        "filter_names": _filter_names(search, datasets),
    }


def problems_of(search: Search) -> list[dict[str, Any]]:
    """Return the models that were asked and gave no results, with a sentence on why."""
    details = dict(search.problems)
    models = Model.objects.filter(pk__in=details).order_by("pk")
    return [{"model": model, "detail": details[model.pk]} for model in models] if details else []


def _filter_names(search: Search, datasets: list[Dataset]) -> list[str]:
    chosen, seen = search.filters.get("classes", ()), {dataset.pk for dataset in datasets}
    names = names_of(chosen) if chosen else {}
    classes = [names[pk, label] for pk, label in chosen if pk in seen]
    return [*search.filters.get("splits", ()), *classes]


def overlaps_of(search: Search, columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each two models which share of their first k answers they have in common, most first."""
    pairs = [
        {"first": one["model"], "second": other["model"], "share": overlap_at(search.k, _shown(one), _shown(other))}
        for one, other in combinations(columns, 2)
    ]
    return sorted(pairs, key=lambda pair: -pair["share"])


def _shown(column: dict[str, Any]) -> list[int]:
    return [answer["image"].pk for answer in column["answers"]]


def _merged(search: Search, rankings: list[Ranking]) -> dict[str, Any]:
    answers = [
        {"image": pk, "score": score, "ranking": ranking}
        for ranking in rankings
        for pk, score in zip(ranking.image_ids, ranking.scores, strict=True)
    ]
    answers.sort(key=lambda answer: (-answer["score"], answer["image"]))
    return {
        "model": rankings[0].model,
        "rankings": rankings,
        "took_ms": sum(ranking.took_ms for ranking in rankings),
        "answers": [answer | {"rank": rank} for rank, answer in enumerate(answers[: search.k], 1)],
    }


def _is_near(search: Search, answer: dict[str, Any]) -> bool:
    return search.threshold is None or answer["score"] >= search.threshold
