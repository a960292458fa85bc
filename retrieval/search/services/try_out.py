"""Searches that anybody may try, without an account: with pictures of data sets, by their stored vectors.

No network runs and nothing is stored, so a visitor costs a lookup in the indexes of the default models.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.core.cache import cache

from accounts.roles import Visitor
from config.errors import Rejected
from mlcore.errors import MlcoreError
from retrieval.datasets.services.random_pictures import random_pictures
from retrieval.datasets.services.visibility import shown_images
from retrieval.errors import NoResults
from retrieval.models import Dataset, Image, Model, Ranking, Search
from retrieval.search.services.defaults import best_model, default_models
from retrieval.search.services.ranking import indexed_embedding, search_indexes
from retrieval.search.services.results import SearchResults, results_of_rankings
from retrieval.search.services.run_search import DEFAULT_K, searchable_datasets, searchable_models

EXAMPLE_RESULTS = 5
EXAMPLE_SECONDS = 3600
EXAMPLE_KEY = "welcome-example"
TRIES = 8
"""Pictures among which the example is looked for: a picture that came after the index was built has no vector."""


@dataclass(frozen=True)
class Example:
    """A picture and the nearest ones to it by a model, best first."""

    query: Image
    model: Model
    nearest: Sequence[Image]


def tried_results(image: Image, viewer: Visitor) -> SearchResults:
    """Return what the default models of a picture's data set find for it there; nothing is stored.

    Raises:
        Rejected: no model can search its data set, or no index holds the picture.
    """
    dataset = image.dataset
    search = Search(query_image=image, k=DEFAULT_K)
    rankings = [
        ranking for model in default_models(searchable_models(dataset), [dataset]) for ranking in _found(search, model)
    ]
    if not rankings:
        raise Rejected(f"no model can search {dataset.name} with this picture yet")
    return results_of_rankings(search, [dataset], rankings, viewer, with_predictions=True)


def _found(search: Search, model: Model) -> list[Ranking]:
    """Return a model's results by the stored vector of the query; none where its index does not hold it."""
    try:
        return search_indexes(search, model, None, embedding=indexed_embedding(search, model))
    except (Rejected, NoResults, MlcoreError, OSError):  # of an index that is damaged, lost or away; a search says so
        return []


def searchable_samples(viewer: Visitor, count: int) -> list[Image]:
    """Return pictures at random that a person may try, of the data sets that can be searched."""
    return random_pictures(searchable_datasets(viewer), count, Image.objects.filter(hidden=False))


def welcome_example(viewer: Visitor) -> Example | None:
    """Return a held-out picture drawn at random, and what the best model finds for it; the same one for an hour.

    None where nothing can be searched, or where one of the pictures was hidden since; then another is drawn.
    """
    example = _shown(cache.get(EXAMPLE_KEY), viewer)
    if example is None:
        drawn = _drawn(searchable_datasets(viewer))
        cache.set(EXAMPLE_KEY, drawn, EXAMPLE_SECONDS)
        example = _shown(drawn, viewer)
    return example


Keys = tuple[int, int, list[int]]
"""Of the query, the model and the nearest pictures."""


def _shown(keys: Keys | None, viewer: Visitor) -> Example | None:
    if keys is None:
        return None
    query, model_key, nearest = keys
    images = shown_images(viewer).named().in_bulk([query, *nearest])
    model = Model.objects.filter(pk=model_key, published=True).first()
    if model is None or len(images) < 1 + len(nearest):
        return None
    return Example(images[query], model, [images[pk] for pk in nearest])


def _drawn(searchable: Iterable[Dataset]) -> Keys | None:
    datasets = list(searchable)
    random.shuffle(datasets)
    for dataset in datasets:
        if keys := _drawn_from(dataset):
            return keys
    return None


def _drawn_from(dataset: Dataset) -> Keys | None:
    model = best_model(searchable_models(dataset), dataset)
    if model is None:
        return None
    for image in random_pictures([dataset], TRIES, Image.objects.asking()):
        for ranking in _found(Search(query_image=image, k=EXAMPLE_RESULTS), model):
            if len(ranking.image_ids) == EXAMPLE_RESULTS and ranking.index.dataset_id == dataset.pk:
                return image.pk, model.pk, ranking.image_ids
    return None
