"""The page of labels that look wrong, for curators."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts.permissions import curator_required, signed_in
from config.errors import Conflict, Rejected
from retrieval.datasets.services import curating
from retrieval.datasets.views.curating import as_it_is, curated, seen, sent
from retrieval.models import Index
from retrieval.registry.forms import SuggestionsForm
from retrieval.registry.services import label_issues

PAGE = 60


@curator_required
@never_cache
def of_dataset(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the labels that look wrong to a model, or move the selected pictures to the suggested classes."""
    dataset = curated(request.user, slug)
    indexes = label_issues.checkable_indexes(dataset)
    index = next((row for row in indexes if str(row.model_id) == request.GET.get("model")), next(iter(indexes), None))
    form = SuggestionsForm(sent(request)[0])
    if request.method == "POST" and index is not None and _moved(request, index, form):
        return redirect(request.get_full_path())
    dataset = as_it_is(request, dataset)
    report, problem = _report(index)
    context = {
        "dataset": dataset,
        "seen": curating.form_state(dataset, "pictures"),
        "indexes": indexes,
        "index": index,
        "report": report,
        "problem": problem,
        "page": Paginator(report.suggestions if report else [], PAGE).get_page(request.GET.get("page")),
        "chosen": set(form.cleaned_data.get("image", ())) if form.is_bound else set(),
    }
    status = 409 if problem else 400 if form.errors else 200
    return render(request, "retrieval/dataset_labels.html", context, status=status)


def _report(index: Index | None) -> tuple[label_issues.LabelReport | None, str]:
    """Return the report of an index, or why there is none."""
    try:
        return (label_issues.label_report(index) if index else None), ""
    except Conflict as error:
        return None, str(error)


def _moved(request: HttpRequest, index: Index, form: SuggestionsForm) -> bool:
    """Move the selected pictures and say so; without success the form says why."""
    if form.is_valid():
        try:
            with curating.unless_changed(index.dataset, seen(request), "pictures"):
                count = label_issues.accept_suggestions(index, form.cleaned_data["image"], by=signed_in(request))
        except (Conflict, Rejected) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{count} {'picture was' if count == 1 else 'pictures were'} moved.")
            return True
    for errors in form.errors.values():
        for text in errors:
            messages.error(request, str(text))
    return False
