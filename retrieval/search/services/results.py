"""The results of stored searches, typed once: the page, the API, the files and the personal export read these."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, groupby
from uuid import UUID

from django.db.models import prefetch_related_objects

from accounts.roles import Visitor
from config.compiled_queries import LONGEST, CompiledQuery
from mlcore.index import overlap_at
from retrieval.datasets.services.classes import names_of
from retrieval.datasets.services.visibility import images_within, sight_of, visible_datasets
from retrieval.models import COLORS, Dataset, Image, Index, Model, Ranking, Search
from retrieval.search.services.access import shown_query
from retrieval.search.services.headlines import Headline, headlines_of, summary_text
from retrieval.search.services.marks import marks_of
from retrieval.search.services.predictions import MissingReason, Prediction, missing_reason, predictions_of
from retrieval.search.services.status import missing_datasets, outdated

IMAGES_AT_ONCE = LONGEST  # of one compiled query


@dataclass(frozen=True, slots=True)
class Result:
    """One picture that a model found, under the names that the API and the files use.

    similarity: cosine, -1 to 1. mark: 0, 1 or 2 by the search's owner, None without one and for everybody else.
    shared_count: in how many columns the picture is shown. record: the row of the picture.
    """

    rank: int
    ranking: int
    image: int
    dataset: int
    dataset_name: str
    path: str
    class_name: str
    similarity: float
    mark: int | None
    shared_count: int
    record: Image


@dataclass(frozen=True, slots=True)
class Column:
    """The results of one model, best first: its rankings of all data sets, merged by similarity.

    below_threshold: how many of its best k results the threshold hides. missing_datasets: the names of the searched
    data sets of which it had no index. predictions: what its nearest neighbours say the query is, for each data set
    one at most; empty where nothing can be said or predictions were not requested. record: the row of the model.
    """

    model: int
    model_name: str
    rankings: tuple[Ranking, ...]
    results: tuple[Result, ...]
    below_threshold: int
    missing_datasets: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    record: Model

    @property
    def prediction(self) -> Prediction | None:
        """The prediction of all data sets with the highest confidence; one that is not unknown comes first."""
        return max(self.predictions, key=lambda found: (not found.unknown, found.confidence), default=None)

    @property
    def indexes(self) -> list[int]:
        """The keys of the indexes that were searched."""
        return [ranking.index_id for ranking in self.rankings]

    @property
    def took_ms(self) -> float:
        """How long the model took, in milliseconds."""
        return round(sum(ranking.took_ms for ranking in self.rankings), 2)


@dataclass(frozen=True, slots=True)
class SearchResults:
    """What one person sees of a search.

    datasets: those searched that the person may see. headlines: what the models together predict, for each data set
    with predictions. unpredicted: why the search has no predictions, "" where it may have some.
    """

    search: Search
    datasets: tuple[Dataset, ...]
    columns: tuple[Column, ...]
    headlines: tuple[Headline, ...]
    unpredicted: MissingReason

    @property
    def prediction_summary(self) -> str:
        """The headlines as one text, "" without any."""
        return summary_text(self.headlines)


@dataclass(frozen=True, slots=True)
class ModelProblem:
    """A model that gave no results, and a sentence on why."""

    model: int
    model_name: str
    detail: str
    record: Model


@dataclass(frozen=True, slots=True)
class Overlap:
    """The share of pictures that two models have in common among their first k results, 0 to 1."""

    first: Model
    second: Model
    share: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What a page says of a search besides its results.

    withheld: how many data sets were searched that the viewer may not see. query: the picture of a data set that was
    searched with, None where it was another or is hidden. outdated: indexes older than their data sets. filters: the
    names of the splits and classes that results were limited to.
    """

    problems: list[ModelProblem]
    withheld: int
    query: Image | None
    query_shown: bool
    shown: int
    below_threshold: int
    took_ms: float
    overlaps: list[Overlap]
    outdated: list[Index]
    filters: list[str]


def results_of(search: Search, viewer: Visitor, *, with_predictions: bool = False) -> SearchResults:
    """Return a column for each model: its rankings merged by similarity, the best k, those over the threshold.

    Data sets that `viewer` may not see are left out, and so are pictures deleted or hidden since; the ranks of the
    others stay. A prediction may take seconds where the confidence of an old index was not measured yet.
    """
    return results_of_all([search], viewer, with_predictions=with_predictions)[search.pk]


def results_of_all(
    searches: Sequence[Search], viewer: Visitor, *, with_predictions: bool = False
) -> dict[UUID, SearchResults]:
    """Return the results of each search, by its key; with as many queries as for one, up to IMAGES_AT_ONCE images."""
    prefetch_related_objects(searches, "datasets")
    rankings = Ranking.objects.filter(search__in=searches, index__dataset__in=visible_datasets(viewer))
    rankings = rankings.select_related("model__run", "index__dataset").order_by("pk")
    by_search: dict[UUID, list[Ranking]] = {search.pk: [] for search in searches}
    for ranking in rankings:
        by_search[ranking.search_id].append(ranking)
    seen = _visible(searches, {ranking.index.dataset_id for ranking in rankings}, viewer)
    best = {search.pk: _best_of(search, by_search[search.pk]) for search in searches}
    datasets = {ranking.index.dataset_id: ranking.index.dataset for ranking in rankings}
    images = _images_of_hits(chain.from_iterable(best.values()), datasets, viewer)
    own = [ranking.pk for search in searches if search.owner_id == viewer.pk for ranking in by_search[search.pk]]
    marks = marks_of(viewer, own) if viewer.is_authenticated and own else {}
    return {
        search.pk: _typed(search, best[search.pk], images, marks, seen, with_predictions=with_predictions)
        for search in searches
    }


def results_of_rankings(
    search: Search,
    datasets: Sequence[Dataset],
    rankings: Sequence[Ranking],
    viewer: Visitor,
    *,
    with_predictions: bool = False,
) -> SearchResults:
    """Return the results of a search that is not stored, or was a moment ago, so that nobody has marked them yet.

    datasets: those that were searched; the viewer may see them. rankings: those of a model side by side.
    """
    best = _best_of(search, rankings)
    known = {dataset.pk: dataset for dataset in datasets}
    images = _images_of_hits(best, known, viewer)
    search._prefetched_objects_cache = {"datasets": list(datasets)}  # type: ignore[attr-defined]  # not read again
    return _typed(search, best, images, {}, known.keys(), with_predictions=with_predictions)


_shown = CompiledQuery[Image](
    lambda sight, keys: images_within(sight).filter(pk__in=keys).select_related("dataset_class")
)


def _images_of_hits(best: Iterable["_Best"], datasets: Mapping[int, Dataset], viewer: Visitor) -> dict[int, Image]:
    """Return the images of the results that may be shown, by their keys, each with its class and its data set."""
    keys, sight = list({hit.image for found in best for hit in found.hits}), sight_of(viewer)
    images: dict[int, Image] = {}
    for start in range(0, len(keys), IMAGES_AT_ONCE):
        for image in _shown(sight, keys[start : start + IMAGES_AT_ONCE]):
            image.dataset = datasets[image.dataset_id]
            images[image.pk] = image
    return images


def _visible(searches: Sequence[Search], ranked: Collection[int], viewer: Visitor) -> set[int]:
    """Return the keys of the searched data sets that the viewer may see; those with a ranking are known to be."""
    others = {dataset.pk for search in searches for dataset in search.datasets.all()} - set(ranked)
    if not others:
        return set(ranked)
    return set(ranked) | set(visible_datasets(viewer).filter(pk__in=others).values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class _Hit:
    """An image in the ranking of an index; rank: among all indexes of the model."""

    rank: int
    ranking: Ranking
    image: int
    similarity: float


@dataclass(frozen=True, slots=True)
class _Best:
    """A model's rankings, and the best k of them together."""

    rankings: tuple[Ranking, ...]
    hits: list[_Hit]


def _best_of(search: Search, rankings: Sequence[Ranking]) -> list[_Best]:
    """Return the best k of each model, images in the order of their keys where similarities are equal."""
    found = []
    for _, group in groupby(rankings, lambda ranking: ranking.model_id):
        own = tuple(group)
        rows = [
            (ranking, image, similarity)
            for ranking in own
            for image, similarity in zip(ranking.image_ids, ranking.scores, strict=True)
        ]
        rows.sort(key=lambda row: (-row[2], row[1]))
        found.append(_Best(own, [_Hit(rank, *row) for rank, row in enumerate(rows[: search.k], 1)]))
    return found


def _typed(
    search: Search,
    models: Sequence[_Best],
    images: Mapping[int, Image],
    marks: Mapping[tuple[int, int], int],
    seen: Collection[int],
    *,
    with_predictions: bool,
) -> SearchResults:
    """Return a search's results without the images that are not shown."""
    visible = [[hit for hit in found.hits if hit.image in images] for found in models]
    shown = [
        [hit for hit in hits if search.threshold is None or hit.similarity >= search.threshold] for hits in visible
    ]
    counts = Counter(hit.image for hits in shown for hit in hits)
    datasets = [dataset for dataset in search.datasets.all() if dataset.pk in seen]
    columns = tuple(
        Column(
            model=found.rankings[0].model_id,
            model_name=found.rankings[0].model.name,
            rankings=found.rankings,
            results=tuple(
                _result(hit, images[hit.image], marks.get((hit.ranking.pk, hit.image)), counts[hit.image])
                for hit in hits
            ),
            below_threshold=len(every) - len(hits),
            missing_datasets=missing_datasets(datasets, [ranking.index for ranking in found.rankings]),
            predictions=predictions_of(search, found.rankings) if with_predictions else (),
            record=found.rankings[0].model,
        )
        for found, every, hits in zip(models, visible, shown, strict=True)
    )
    predicted = [(column.model_name, prediction) for column in columns for prediction in column.predictions]
    return SearchResults(search, tuple(datasets), columns, headlines_of(predicted), missing_reason(search))


def _result(hit: _Hit, record: Image, mark: int | None, shared_count: int) -> Result:
    return Result(
        rank=hit.rank,
        ranking=hit.ranking.pk,
        image=hit.image,
        dataset=record.dataset_id,
        dataset_name=record.dataset.name,
        path=record.path,
        class_name=record.class_name,
        similarity=hit.similarity,
        mark=mark,
        shared_count=shared_count,
        record=record,
    )


def summary_of(results: SearchResults, viewer: Visitor) -> Summary:
    """Return what a page says of a search besides its results."""
    search, columns = results.search, results.columns
    query = shown_query(search, viewer)
    return Summary(
        problems=problems_of(search),
        withheld=len(search.datasets.all()) - len(results.datasets),
        query=query,
        query_shown=search.query_image_id is None or query is not None,
        shown=sum(len(column.results) for column in columns),
        below_threshold=sum(column.below_threshold for column in columns),
        took_ms=sum(column.took_ms for column in columns),
        overlaps=overlaps_of(results),
        outdated=outdated(ranking.index for column in columns for ranking in column.rankings),
        filters=_filter_names(search, results.datasets),
    )


def problems_of(search: Search) -> list[ModelProblem]:
    """Return the models that gave no results, with a sentence on why."""
    details = dict(search.problems)
    models = Model.objects.in_bulk(list(details))
    return [
        ModelProblem(pk, model.name, details[pk], model)
        for pk in sorted(details)
        for model in [models.get(pk) or _deleted(pk)]
    ]


def _deleted(pk: int) -> Model:
    """Return what stands for a model that was deleted since."""
    return Model(pk=pk, name="Deleted model", color=COLORS - 1)


def _filter_names(search: Search, datasets: Sequence[Dataset]) -> list[str]:
    classes, seen = search.filters.get("classes", ()), {dataset.pk for dataset in datasets}
    names = names_of(classes) if classes else {}
    return [*search.filters.get("splits", ()), *(names[pk, label] for pk, label in classes if pk in seen)]


def overlaps_of(results: SearchResults) -> list[Overlap]:
    """Return for each two models which share of their first k results they have in common, most first."""
    pairs = [
        Overlap(first.record, second.record, overlap_at(results.search.k, _images_of(first), _images_of(second)))
        for first, second in combinations(results.columns, 2)
    ]
    return sorted(pairs, key=lambda pair: -pair.share)


def _images_of(column: Column) -> list[int]:
    return [result.image for result in column.results]
