"""The lab: the page of data sets, experiments, models and jobs, for curators."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.permissions import curator_required
from jobs.models import Job
from jobs.services import visible_jobs
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.experiments.services.queries import every_experiment
from retrieval.models import Model


@curator_required
@never_cache
@require_safe
def lab(request: HttpRequest) -> HttpResponse:
    """Show data sets, experiments, models and jobs."""
    models = list(Model.objects.select_related("dataset", "run__experiment").prefetch_related("indexes"))
    for model in models:
        active = (index for index in model.indexes.all() if index.active)
        model.active_index = next(active, None)  # type: ignore[attr-defined]
    jobs = visible_jobs(request.user)
    context = {
        "datasets": visible_datasets(request.user),
        "experiments": every_experiment()[:20],
        "models": models,
        "suspended": [model for model in models if model.suspended_at],
        "jobs": [*jobs.filter(state__in=Job.ACTIVE), *jobs.exclude(state__in=Job.ACTIVE)[:10]],
    }
    return render(request, "retrieval/lab.html", context)
