"""The data sets that a new search names, with the models that can search them: one query where each has an index."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.roles import Visitor
from config.compiled_queries import CompiledQuery
from retrieval.datasets.services.visibility import datasets_within, sight_of, visible_datasets
from retrieval.models import Dataset, Index, Model
from retrieval.search.services.run_search import searchable_models


class UnknownDataset(LookupError):
    """There is no data set with this key, or the person may not see it."""

    def __init__(self, key: int) -> None:
        super().__init__(f"there is no data set {key}")


@dataclass(frozen=True, slots=True)
class Searchable:
    """Data sets in the order in which they were named, and the models that have an active index of one of them.

    models: as `searchable_models` returns them: each has those indexes as `serving`.
    """

    datasets: list[Dataset]
    models: list[Model]


_LONG = ("dataset__report", "dataset__history", "dataset__layout", "model__run__history", "model__run__log")
"""Fields that no search reads."""

_active_indexes = CompiledQuery[Index](
    lambda sight, keys: (
        Index.objects.filter(active=True, model__published=True, dataset__in=datasets_within(sight).filter(pk__in=keys))
        .select_related("model__run", "dataset")
        .defer(*_LONG)
        .order_by("model_id", "dataset__name")
    )
)


def find_searchable(user: Visitor, keys: Sequence[int]) -> Searchable:
    """Return the data sets with these keys, each once, and the models that can search them.

    Raises:
        UnknownDataset: one of them is not there, or the person may not see it.
    """
    wanted = list(dict.fromkeys(keys))
    datasets: dict[int, Dataset] = {}
    models: dict[int, Model] = {}
    for index in _active_indexes(sight_of(user), wanted):
        index.dataset = datasets.setdefault(index.dataset_id, index.dataset)
        index.model = model = models.setdefault(index.model_id, index.model)
        model.__dict__.setdefault("serving", []).append(index)
    without_index = [key for key in wanted if key not in datasets]
    if without_index:
        datasets |= visible_datasets(user).in_bulk(without_index)
    for key in wanted:
        if key not in datasets:
            raise UnknownDataset(key)
    return Searchable([datasets[key] for key in wanted], list(models.values()))


def searchable_of(datasets: Sequence[Dataset]) -> Searchable:
    """Return these data sets, and the models that can search them."""
    return Searchable(list(datasets), list(searchable_models(*datasets)))
