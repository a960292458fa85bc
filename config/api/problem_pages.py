"""Pages about the types of problems."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from config.api.problems import PROBLEMS


@require_safe
def every_problem(request: HttpRequest) -> HttpResponse:
    """List the types of problems."""
    return render(request, "api/problems.html", {"problems": PROBLEMS})


@require_safe
def one_problem(request: HttpRequest, name: str) -> HttpResponse:
    """Redirect from the URL of a type to its section of the list."""
    if name not in PROBLEMS:
        raise Http404(f"there is no type of problem named {name!r}")
    return redirect(f"{reverse('problems')}#{name}")
