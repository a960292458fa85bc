"""What a new search takes unless a person chooses: its data sets and models."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from accounts.roles import Visitor
from mlcore.evaluation.metric_table import HEADLINE
from mlcore.runs import BASELINES
from retrieval.models import Dataset, Model
from retrieval.search.services.access import visible_searches

BEST = 2
"""How many models a search of one data set takes; of several, each gets its best, and there are at least so many."""


def default_datasets(user: Visitor, datasets: Sequence[Dataset]) -> list[Dataset]:
    """Return those of the person's last search, of `datasets`, which can be searched; all where there are none."""
    last = visible_searches(user).first()
    before = {dataset.pk for dataset in last.datasets.all()} if last else set()
    return [dataset for dataset in datasets if dataset.pk in before] or list(datasets)


def default_models(models: Iterable[Model], datasets: Sequence[Dataset]) -> list[Model]:
    """Return which of the searchable models a new search of the data sets takes, in the order of `models`.

    Of each data set: those that a curator chose, else the best by MAP@R, baselines only where nothing else has an
    index. Suspended models are left out while others are there. models: of `searchable_models`.
    """
    able = list(models)
    serving = _by_dataset(able)
    by_dataset = {dataset.pk: _ranked(serving.get(dataset.pk, []), dataset) for dataset in datasets}
    if len(datasets) == 1:
        chosen = {model.pk for ranked in by_dataset.values() for model in _curated(ranked) or ranked[:BEST]}
    else:
        chosen = {model.pk for ranked in by_dataset.values() for model in _curated(ranked) or ranked[:1]}
        seconds = (model.pk for ranked in by_dataset.values() for model in ranked[1:BEST])
        while len(chosen) < BEST and (second := next(seconds, None)) is not None:
            chosen.add(second)
    return [model for model in able if model.pk in chosen]


def best_model(models: Iterable[Model], dataset: Dataset) -> Model | None:
    """Return the first default model of a data set, None where none has an index."""
    ranked = _ranked(_by_dataset(models).get(dataset.pk, []), dataset)
    return next(iter(_curated(ranked) or ranked), None)


def _curated(models: Iterable[Model]) -> list[Model]:
    return [model for model in models if model.is_default]


def _by_dataset(models: Iterable[Model]) -> dict[int, list[Model]]:
    """Return the models that have an index of a data set, by its key, with one look at each index."""
    serving: dict[int, list[Model]] = {}
    for model in models:
        for dataset in {index.dataset_id for index in model.serving}:  # type: ignore[attr-defined]
            serving.setdefault(dataset, []).append(model)
    return serving


def _ranked(serving: list[Model], dataset: Dataset) -> list[Model]:
    """Return models that have an index of a data set, best first; those measured on it come before others."""
    serving = [model for model in serving if not model.suspended_at] or serving
    serving = [model for model in serving if model.loss not in BASELINES] or serving
    return sorted(serving, key=lambda model: (model.dataset_id != dataset.pk, -_headline(model), model.pk))


def _headline(model: Model) -> float:
    """Return the metric that the leaderboard orders by, -1 for a model that was not measured."""
    return float((model.metrics or {}).get(HEADLINE, -1))


def chosen_models(values: Mapping[str, Any], able: Sequence[Model]) -> list[Model]:
    """Return the models of a valid form: those selected, all of them, or the default.

    A data set that none of the selected ones can search is searched with its default: somebody ticked it. able: the
    `searchable_models` of the form's data sets.
    """
    datasets = list(values["datasets"])
    if values["all_models"]:
        return list(able)
    selected = list(values["models"])
    if not selected:
        return default_models(able, datasets)
    left = _not_searched(selected, able, datasets)
    return [*selected, *default_models(able, left)] if left else selected


def _not_searched(selected: Collection[Model], able: Iterable[Model], datasets: Iterable[Dataset]) -> list[Dataset]:
    wanted = {model.pk for model in selected}
    searched = {index.dataset_id for model in able if model.pk in wanted for index in model.serving}  # type: ignore[attr-defined]
    return [dataset for dataset in datasets if dataset.pk not in searched]
