"""What jobs work on, by name: data sets, experiments, models. Lists of jobs are searched by it."""

from django.db.models import Q

from retrieval.models import Dataset, Experiment, Index, Model, Run, Tuning


def jobs_on(name: str) -> Q:
    """Return which jobs work on a data set, experiment or model whose name contains this, or on a part of one."""
    datasets = Dataset.objects.filter(name__icontains=name)
    experiments = Experiment.objects.filter(Q(name__icontains=name) | Q(dataset__in=datasets))
    models = Model.objects.filter(Q(name__icontains=name) | Q(dataset__in=datasets))
    indexes = Index.objects.filter(Q(model__in=models) | Q(dataset__in=datasets))
    matches = Q(payload__name__icontains=name)  # of what was deleted, or is not there yet
    for part in (Run, Tuning):
        matches |= Q(pk__in=part.objects.filter(experiment__in=experiments).exclude(job=None).values("job"))
    by_key = {"dataset": datasets, "experiment": experiments, "model": models, "index": indexes}
    for key, rows in by_key.items():
        matches |= Q(**{f"payload__{key}__in": list(rows.values_list("pk", flat=True))})
    return matches
