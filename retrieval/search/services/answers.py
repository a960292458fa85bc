"""What a stored search shows: a column a model, from the rankings of all its data sets."""

from collections import Counter
from itertools import combinations, groupby
from typing import Any

from mlcore.index import overlap_at
from retrieval.models import Dataset, Image, Ranking, Search
from retrieval.search.services.state import outdated, unanswered


def answers_of(search: Search) -> list[dict[str, Any]]:
    """Return a column for each model: its rankings merged by cosine, the best k, those over the threshold.

    An answer has the picture, its ranking, rank and cosine, and in how many columns the picture is shown;
    `below` counts what the threshold hides. Pictures deleted or hidden since are left out; ranks stay.
    """
    rankings = search.rankings.select_related("model__run", "index__dataset").order_by("pk")
    found = [_merged(search, list(group)) for _, group in groupby(rankings, lambda ranking: ranking.model_id)]
    ids = {answer["image"] for column in found for answer in column["answers"]}
    images = Image.objects.filter(hidden=False).select_related("dataset").in_bulk(list(ids))
    for column in found:
        answers = [
            answer | {"image": images[answer["image"]]} for answer in column["answers"] if answer["image"] in images
        ]
        column["answers"] = [answer for answer in answers if _is_near(search, answer)]
        column["below"] = len(answers) - len(column["answers"])
    counts = Counter(answer["image"].pk for column in found for answer in column["answers"])
    for answer in (answer for column in found for answer in column["answers"]):
        answer["shared_count"] = counts[answer["image"].pk]
    return found


def summary_of(search: Search, columns: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a page says of a search beside each answer."""
    datasets, indexes = list(search.datasets.all()), [row.index for column in columns for row in column["rankings"]]
    for column in columns:
        column["missing"] = unanswered(datasets, [row.index for row in column["rankings"]])
    return {
        "search": search,
        "columns": columns,
        "datasets": datasets,
        "shown": sum(len(column["answers"]) for column in columns),
        "below": sum(column["below"] for column in columns),
        "took_ms": sum(column["took_ms"] for column in columns),
        "overlaps": overlaps_of(search, columns),
        "outdated": outdated(indexes),
        "filter_names": _filter_names(search, datasets),
    }


def _filter_names(search: Search, datasets: list[Dataset]) -> list[str]:
    names = {dataset.pk: dataset.classes for dataset in datasets}
    classes = [names[pk][label] for pk, label in search.filters.get("classes", ()) if pk in names]
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
