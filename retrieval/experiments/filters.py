"""By what lists of runs and models can be narrowed."""

from collections.abc import Collection

import django_filters as filters  # type: ignore[import-untyped]
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest

from config.api.filter_kinds import TrueOrFalse
from jobs.models import Job
from retrieval.datasets.services.seeing import visible_datasets
from retrieval.experiments.services import choosing, finding
from retrieval.models import Dataset, Experiment, Model, Run


def datasets_for(request: HttpRequest | None) -> QuerySet[Dataset]:
    """Return the data sets that the sender may name; others must look like none."""
    return visible_datasets(request.user if request else AnonymousUser())


def losses() -> list[tuple[str, str]]:
    """Return every loss and baseline as choices."""
    return list(choosing.loss_titles().items())


class ExperimentFilter(filters.FilterSet):  # type: ignore[misc]
    dataset = filters.ModelChoiceFilter(queryset=datasets_for)

    class Meta:
        model = Experiment
        fields = ("dataset",)


class RunFilter(filters.FilterSet):  # type: ignore[misc]
    experiment = filters.ModelChoiceFilter(queryset=Experiment.objects.all())
    dataset = filters.ModelChoiceFilter(queryset=datasets_for, field_name="experiment__dataset")
    loss = filters.ChoiceFilter(choices=losses)
    state = filters.MultipleChoiceFilter(choices=Job.State.choices, method="of_state")

    class Meta:
        model = Run
        fields = ("experiment", "dataset", "loss", "state")

    def of_state(self, runs: QuerySet[Run], name: str, states: Collection[str]) -> QuerySet[Run]:
        """Keep the runs in one of the states."""
        return finding.runs_in(runs, states)


class ModelFilter(filters.FilterSet):  # type: ignore[misc]
    dataset = filters.ModelChoiceFilter(queryset=datasets_for)
    loss = filters.ChoiceFilter(choices=losses)
    published = TrueOrFalse()

    class Meta:
        model = Model
        fields = ("dataset", "loss", "published")
