"""Filters of lists of experiments and runs."""

from collections.abc import Collection

import django_filters as filters  # type: ignore[import-untyped]
from django.db.models import QuerySet

from jobs.models import Job
from retrieval.experiments.services import queries
from retrieval.models import Experiment, Run
from retrieval.registry.filters import Archived, datasets_for, losses


class ExperimentFilter(filters.FilterSet):  # type: ignore[misc]
    dataset = filters.ModelChoiceFilter(queryset=datasets_for)
    archived = Archived()

    class Meta:
        model = Experiment
        fields = ("dataset", "archived")


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
        return queries.runs_in(runs, states)
