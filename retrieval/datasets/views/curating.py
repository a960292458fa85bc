"""Pages on which curators change a data set that was imported."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.permissions import curator_required, signed_in
from accounts.roles import Visitor
from config.errors import Rejected
from retrieval.datasets.curator_forms import MOST_SUGGESTIONS, DescribeForm, MergeForm, PicturesForm, RenameForm
from retrieval.datasets.services import curating
from retrieval.datasets.services.classes import class_page, few_names, name_of
from retrieval.datasets.services.curated_pictures import pictures_to_curate
from retrieval.datasets.services.long_lists import LongList
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.models import Dataset

PAGE = 120
CLASSES = 200
SHOWN = {"": "All", "shown": "Visible", "hidden": "Hidden"}


def curated(by: Visitor, slug: str) -> Dataset:
    """Return an imported data set that is not about to be deleted, or 404."""
    return get_object_or_404(visible_datasets(by).filter(revision__gt=0), slug=slug)


def sent(request: HttpRequest) -> tuple[Any, Any]:
    """Return the fields and files of a form that was sent; None twice for GET."""
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)


def seen(request: HttpRequest) -> str:
    """Return the state by which the form was filled in, empty where it does not say."""
    return request.POST.get("seen", "")[:200]


def as_it_is(request: HttpRequest, dataset: Dataset) -> Dataset:
    """Return the row again where a form was rejected, perhaps because it had changed."""
    return curated(request.user, dataset.slug) if request.method == "POST" else dataset


def suggestions(dataset: Dataset) -> list[str]:
    """Return the class names that a page offers while typing; none where there are too many to send."""
    return few_names(dataset, MOST_SUGGESTIONS)


@curator_required
@never_cache
def pictures(request: HttpRequest, slug: str) -> HttpResponse:
    """Show pictures to select, or hide, unhide or move the selected ones."""
    dataset = curated(request.user, slug)
    form = PicturesForm(sent(request)[0])
    if request.method == "POST":
        if form.is_valid():
            try:
                with curating.unless_changed(dataset, seen(request), "pictures"):
                    text = _changed(request, dataset, form.cleaned_data)
                messages.success(request, text)
                return redirect(request.get_full_path())
            except Rejected as error:
                form.add_error(None, str(error))
        for errors in form.errors.values():
            for error_text in errors:
                messages.error(request, str(error_text))
    dataset = as_it_is(request, dataset)
    images, filters = _filtered(dataset, request)
    context = {
        "dataset": dataset,
        "seen": curating.form_state(dataset, "pictures"),
        "form": form,
        "page": Paginator(images, PAGE).get_page(request.GET.get("page")),
        "chosen": set(form.cleaned_data.get("image", ())) if form.is_bound else set(),
        "suggestions": suggestions(dataset),
        "shown_choices": SHOWN,
        **filters,
    }
    return render(request, "retrieval/dataset_pictures.html", context, status=400 if form.errors else 200)


def _changed(request: HttpRequest, dataset: Dataset, values: Mapping[str, Any]) -> str:
    """Hide, unhide or move pictures; return the message about it."""
    by, selected = signed_in(request), values["image"]
    if values["action"] == "move":
        new = bool(values["split"])
        count = curating.relabel(dataset, selected, values["name"], new=new, split=values["split"], by=by)
        return f"{_counted(count)} moved to {values['name'].strip()}."
    hidden = values["action"] == "hide"
    count = curating.set_hidden(dataset, selected, hidden, by=by)
    return f"{_counted(count)} {'hidden' if hidden else 'unhidden'}."


def _counted(count: int) -> str:
    return "1 picture was" if count == 1 else f"{count or 'No'} pictures were"


def _filtered(dataset: Dataset, request: HttpRequest) -> tuple[LongList, dict[str, str]]:
    wanted, shown = request.GET.get("class", "").strip(), request.GET.get("shown", "")
    hidden = {"shown": False, "hidden": True}.get(shown)
    pictures = pictures_to_curate(dataset, request.user, class_name=wanted, hidden=hidden)
    return pictures, {"wanted": wanted, "shown": shown}


@curator_required
@require_safe
def classes(request: HttpRequest, slug: str) -> HttpResponse:
    """List the classes, filtered by name."""
    dataset = curated(request.user, slug)
    wanted = request.GET.get("name", "").strip()
    page = class_page(dataset, wanted, request.GET.get("page"), hidden=True, size=CLASSES)
    return render(request, "retrieval/dataset_classes.html", {"dataset": dataset, "page": page, "wanted": wanted})


@curator_required
@never_cache
def one_class(request: HttpRequest, slug: str, label: int) -> HttpResponse:
    """Show a class's two forms, or rename or merge it."""
    dataset = curated(request.user, slug)
    images = dataset.images.filter(label=label)
    count = images.count()
    if not count:
        raise Http404(f"{dataset.name} has no class number {label}")
    name = name_of(dataset, label)
    merging = "into" in request.POST
    rename = RenameForm(request.POST if request.method == "POST" and not merging else None)
    merge = MergeForm(request.POST if merging else None)

    def act() -> str:
        by = signed_in(request)
        with curating.unless_changed(dataset, seen(request), "class", label):
            if merging:
                count = curating.merge_classes(dataset, label, merge.cleaned_data["into"], by=by)
                return f"{_counted(count)} moved to {merge.cleaned_data['into'].strip()}; {name} was removed."
            curating.rename_class(dataset, label, rename.cleaned_data["name"], by=by)
        return f"{name} was renamed to {rename.cleaned_data['name'].strip()}."

    if done(request, merge if merging else rename, act):
        return redirect("dataset-classes", slug=slug)
    context = {
        "dataset": dataset,
        "label": label,
        "seen": curating.form_state(as_it_is(request, dataset), "class", label),
        "name": name,
        "images": images[:12],
        "count": count,
        "rename": rename if rename.is_bound else RenameForm(initial={"name": name}),
        "merge": merge,
        "suggestions": suggestions(dataset),
    }
    wrong = rename.errors or merge.errors
    return render(request, "retrieval/dataset_class_edit.html", context, status=400 if wrong else 200)


def done(request: HttpRequest, form: forms.BaseForm, act: Callable[[], str]) -> bool:
    """Act on a valid form, show a message, and return True; what a service rejects becomes the form's error."""
    if not form.is_valid():
        return False
    try:
        messages.success(request, act())
    except Rejected as error:
        form.add_error(None, str(error))
        return False
    return True


@curator_required
@never_cache
def describe(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form of licence and attribution, or store them."""
    dataset = curated(request.user, slug)
    form = DescribeForm(sent(request)[0], instance=dataset)

    def act() -> str:
        values = form.cleaned_data
        with curating.unless_changed(dataset, seen(request), "words"):
            curating.describe(
                dataset, licence=values["licence"], attribution=values["attribution"], by=signed_in(request)
            )
        return "Licence and attribution were changed."

    if request.method == "POST" and done(request, form, act):
        return redirect("dataset", slug=slug)
    now = as_it_is(request, dataset)  # a bound form writes what was sent into `dataset`
    stale = bool(seen(request)) and seen(request) != curating.form_state(now, "words")
    context = {"dataset": now, "form": form, "seen": curating.form_state(now, "words"), "stale": stale}
    return render(request, "retrieval/dataset_describe.html", context, status=400 if form.errors else 200)
