"""Pages of jobs: one job, the part of it that refreshes itself, cancel and retry, and the curators' list."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import curator_required, signed_in
from accounts.roles import is_curator
from config.html_errors import rejection_as_message
from jobs import notices, services
from jobs.models import Job
from jobs.registry import Link

STOP_POLLING = 286  # htmx swaps the answer in and asks no more


@login_required
@never_cache
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a job; the page polls while it is active."""
    job = get_object_or_404(services.visible_jobs(request.user), pk=pk)
    _note_seen(request, job)
    return render(request, "jobs/detail.html", _context(request, job))


@login_required
@never_cache
@require_GET
def status(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the part of the page that refreshes itself.

    `seen` is what a screen reader was told last: only something else is announced.
    """
    job = get_object_or_404(services.visible_jobs(request.user), pk=pk)
    _note_seen(request, job)
    context = _context(request, job)
    context["back"] = request.GET.get("back", "")
    context["announce"] = request.GET.get("seen") != context["said"]
    return render(request, "jobs/_status.html", context, status=200 if job.is_active else STOP_POLLING)


def _note_seen(request: HttpRequest, job: Job) -> None:
    if not job.is_active:
        notices.mark_seen(signed_in(request), job)


def _context(request: HttpRequest, job: Job) -> dict[str, Any]:
    steps = services.next_steps_of(job) if is_curator(request.user) else []
    offered = {url for _, url in steps}
    links = [link for link in _links(request, job) if link[1] not in offered]
    return {**status_context(job), "links": links, "steps": steps}


def status_context(job: Job) -> dict[str, Any]:
    """Return what the status of a job shows beside its row. said: the sentence that a screen reader hears."""
    state = "cancelling" if job.cancel_asked and job.is_active else job.state
    phase = job.phase_title
    return {
        "job": job,
        "said": f"{state.capitalize()}: {phase}" if phase else state.capitalize(),
        "time_left": _in_words(job.seconds_left(timezone.now())),
    }


def _in_words(seconds: float | None) -> str:
    """Return an estimate in words, no more exact than it is."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {round(seconds / 3600)} h"


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
    back = request.POST.get("next", "")
    is_here = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back) if back and is_here else redirect("job", pk=pk)


@curator_required
@never_cache
@require_GET
def every_job(request: HttpRequest) -> HttpResponse:
    """List all jobs, newest first, filtered by text, state and kind."""
    jobs = services.visible_jobs(request.user).select_related("owner")
    kinds = jobs.order_by("kind").values_list("kind", flat=True).distinct()
    choices: dict[str, list[str]] = {"state": Job.State.values, "kind": list(kinds)}
    filters = {name: request.GET[name] for name, values in choices.items() if request.GET.get(name) in values}
    text = request.GET.get("q", "").strip().replace("\0", "")[: services.TEXT_LENGTH]
    jobs = jobs.filter(services.containing(text, hosts=True) if text else Q(), **filters)
    page = Paginator(jobs, 50).get_page(request.GET.get("page"))
    shown = {**filters, "q": text}
    context = {"page": page, "states": Job.State.values, "kinds": _kind_choices(kinds), "filters": shown}
    return render(request, "jobs/list.html", context)


def _kind_choices(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the kinds of jobs that exist, with what people call them."""
    return [(name, Job(kind=name).title) for name in names]
