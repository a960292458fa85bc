"""Pages of the losses, for everybody."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from retrieval.experiments.services import losses as services
from retrieval.sparklines import curve_points

MOST_WORDS = 200  # characters of a search


@require_safe
def every_algorithm(request: HttpRequest) -> HttpResponse:
    """List the losses by family, filtered by words or a family."""
    words, family = request.GET.get("q", "")[:MOST_WORDS].strip(), request.GET.get("family", "")
    family = family if family in services.FAMILIES else ""
    losses = services.algorithms(words, family)
    groups = [
        {
            "family": name,
            "anchor": slugify(name),
            "about": about,
            "rows": [row for row in losses if row["family"] == name],
        }
        for name, about in services.FAMILIES.items()
    ]
    context = {
        "groups": [group for group in groups if group["rows"]],
        "count": len(losses),
        "family": family,
        "words": words,
    }
    return render(request, "retrieval/algorithms.html", context)


@require_safe
def detail(request: HttpRequest, name: str) -> HttpResponse:
    """Show a loss: formula, parameters, animation, results."""
    loss = services.algorithm(name)
    if loss is None:
        raise Http404(f"no loss is named {name}")
    results = [
        {**row, "curves": [(title, curve_points(values), values) for title, values in row["curves"]]}
        for row in services.results_of(name, request.user)
    ]
    context = {"loss": loss, "results": results, "columns": services.result_columns()}
    return render(request, "retrieval/algorithm.html", context)
