"""Pages that add pictures to a data set, import it again, or delete it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from accounts.permissions import curator_required, signed_in
from config.errors import Rejected
from jobs.models import Job
from retrieval.datasets.curator_forms import AddForm, ReimportForm
from retrieval.datasets.services import adding, deleting, reimporting
from retrieval.datasets.services.dependencies import companions_of, uses_of
from retrieval.datasets.services.layouts import described
from retrieval.datasets.services.sources import is_upload
from retrieval.datasets.views.curating import curated, sent, suggestions
from retrieval.models import Dataset


@curator_required
@never_cache
def add(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form of pictures for a class, or queue the job that adds them."""
    dataset = curated(request.user, slug)
    form = AddForm(*sent(request))
    if request.method == "POST" and form.is_valid():
        values, by = form.cleaned_data, signed_in(request)
        try:
            job = adding.submit_pictures(
                dataset, values["files"], values["name"], new=bool(values["split"]), split=values["split"], by=by
            )
            return redirect("job", pk=job.pk)
        except Rejected as error:
            form.add_error(None, str(error))
    context = {"dataset": dataset, "form": form, "suggestions": suggestions(dataset)}
    return render(request, "retrieval/dataset_add.html", context, status=400 if form.errors else 200)


@curator_required
@never_cache
def reimport(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form of another import, or queue it."""
    dataset = curated(request.user, slug)
    form = ReimportForm(*sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(
                "job", pk=reimporting.submit_reimport(dataset, **form.cleaned_data, by=signed_in(request)).pk
            )
        except Rejected as error:
            form.add_error(None, str(error))
    context = {
        "dataset": dataset,
        "form": form,
        "was_uploaded": is_upload(dataset.source),
        "read_with": described(dataset.layout),
    }
    return render(request, "retrieval/dataset_reimport.html", context, status=400 if form.errors else 200)


@curator_required
@never_cache
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what uses a data set and what its deletion deletes, or queue the deletion."""
    dataset = get_object_or_404(Dataset, slug=slug)
    refused = ""
    if request.method == "POST":
        try:
            return redirect("job", pk=deleting.submit_deletion(dataset, by=signed_in(request)).pk)
        except Rejected as error:
            refused = str(error)
    context = {
        "dataset": dataset,
        "uses": uses_of(dataset),
        "companions": companions_of(dataset),
        "refused": refused,
        "pictures": dataset.images.count(),
        "searches": deleting.searches_over(dataset).count(),
        "indexes": dataset.indexes.count(),
        "going": Job.objects.filter(kind="delete-dataset", payload__dataset=dataset.pk, state__in=Job.ACTIVE).first(),
    }
    return render(request, "retrieval/dataset_delete.html", context, status=409 if refused else 200)
