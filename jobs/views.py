"""Pages of jobs: one job, the part of it that refreshes itself, cancel and retry, and the curators' list."""

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import curator_required, signed_in
from accounts.roles import is_curator
from config.html_errors import rejection_as_message
from jobs import services
from jobs.models import Job
from jobs.registry import Link

STOP_POLLING = 286  # htmx swaps the answer in and asks no more


@login_required
@never_cache
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a job; the page polls while it is active."""
    job = get_object_or_404(services.visible_jobs(request.user), pk=pk)
    return render(request, "jobs/detail.html", {"job": job, "links": _links(request, job)})


@login_required
@never_cache
@require_GET
def status(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the part of the page that refreshes itself."""
    job = get_object_or_404(services.visible_jobs(request.user), pk=pk)
    context = {"job": job, "links": _links(request, job)}
    return render(request, "jobs/_status.html", context, status=200 if job.is_active else STOP_POLLING)


def _links(request: HttpRequest, job: Job) -> list[Link]:
    """Return the links of a job, which lead to pages that only curators may see."""
    return services.links_of(job) if is_curator(request.user) else []


@login_required
@require_POST
@rejection_as_message(back="job")
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a job."""
    return _act(request, pk, services.request_cancel)


@login_required
@require_POST
@rejection_as_message(back="job")
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a failed or cancelled job again."""
    return _act(request, pk, services.retry)


def _act(request: HttpRequest, pk: int, act: Callable[..., None]) -> HttpResponse:
    job = get_object_or_404(services.visible_jobs(request.user), pk=pk)
    act(job, by=signed_in(request))
    return redirect("job", pk=pk)


@curator_required
@never_cache
@require_GET
def every_job(request: HttpRequest) -> HttpResponse:
    """List all jobs, newest first, filtered by state and kind."""
    jobs = services.visible_jobs(request.user).select_related("owner")
    kinds = jobs.order_by("kind").values_list("kind", flat=True).distinct()
    choices: dict[str, list[str]] = {"state": Job.State.values, "kind": list(kinds)}
    filters = {name: request.GET[name] for name, values in choices.items() if request.GET.get(name) in values}
    jobs = jobs.filter(**filters)
    page = Paginator(jobs, 50).get_page(request.GET.get("page"))
    return render(request, "jobs/list.html", {"page": page, "states": Job.State.values, "filters": filters})
