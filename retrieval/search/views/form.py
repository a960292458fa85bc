"""The page on which one searches: its form, filled from the address, and its parts that change."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.permissions import signed_in
from config.errors import ServiceError
from config.html_errors import error_page
from config.keys import MOST_DIGITS
from retrieval.datasets.services.visibility import visible_datasets, visible_images
from retrieval.models import Dataset, Image, Index, Model, Search
from retrieval.search.forms import SIDES, SearchForm
from retrieval.search.services import access, options, run_search
from retrieval.search.services.status import jobs_under_way, outdated
from retrieval.search.services.url_fetch import fetch_picture

GALLERY = 24
RECENT = 6
LISTS = ("models", "splits", "classes")
SINGLES = ("k", "threshold", "image", "like", *SIDES)


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the form of a search, or ask."""
    if request.method != "POST":
        return _form_page(request, None, 200)
    form = SearchForm(
        request.POST,
        request.FILES,
        datasets=visible_datasets(request.user).filter(revision__gt=0),
        searches=access.visible_searches(request.user),
    )
    if not form.is_valid():
        return _form_page(request, form, 400)
    try:
        search = _asked(request, form)
    except ServiceError as error:
        form.add_error(None, str(error))
        return error_page(error, lambda status: _form_page(request, form, status))
    return redirect("search-detail", pk=search.pk)


def _asked(request: HttpRequest, form: SearchForm) -> Search:
    values = form.cleaned_data
    models = list(values["models"] or run_search.searchable_models(*values["datasets"]))
    search = run_search.ask(
        datasets=values["datasets"],
        models=models,
        k=values["k"],
        by=signed_in(request),
        terms=form.terms(),
        **_picture(values),
    )
    tell_not_asked(request, search, models)
    return search


def _picture(values: dict[str, Any]) -> dict[str, Any]:
    """Return the one query of a valid form, as `ask` takes it."""
    for name in ("image", "like"):
        if values[name]:
            return {name: values[name]}
    if values["picture"]:
        return {"upload": values["picture"].read()}
    return {"upload": fetch_picture(values["address"])}


def tell_not_asked(request: HttpRequest, search: Search, models: Iterable[Model]) -> None:
    """Say which models could not look at the picture."""
    for model in run_search.not_asked(search, models):
        messages.info(request, f"{model.name} was not asked: it can look at whole pictures of the gallery only.")


def _form_page(request: HttpRequest, form: SearchForm | None, status: int) -> HttpResponse:
    datasets = run_search.searchable_datasets(request.user)
    able = list(run_search.searchable_models(*datasets))
    sent = request.GET if form is None else request.POST
    chosen = [row for row in datasets if str(row.pk) in sent.getlist("datasets")] or list(datasets[:1])
    if form is None:
        searches = access.visible_searches(request.user)
        initial = _initial(request, chosen, able)
        form = SearchForm(datasets=datasets, searches=searches, initial=initial)
    pictures = Image.objects.filter(dataset__in=chosen, hidden=False).named()
    context: dict[str, Any] = {
        "form": form,
        "datasets": datasets,
        "models": able,
        "gallery": pictures.order_by("?")[:GALLERY],
        "recent": access.roots_of(request.user)[:RECENT],
        "under_way": [] if able else jobs_under_way(),
        "outdated": outdated(_serving(able, chosen)),
        "chosen_url": _chosen_url(form),
        "fetches": settings.FETCH,
        **class_choices(datasets, sent),
    }
    return render(request, "retrieval/search.html", context, status=status)


def _serving(models: Iterable[Model], datasets: Sequence[Dataset]) -> list[Index]:
    return [index for model in models for index in model.serving if index.dataset in datasets]  # type: ignore[attr-defined]


def _initial(request: HttpRequest, chosen: Sequence[Dataset], able: Sequence[Model]) -> dict[str, Any]:
    """Return what the address says of a search; a picture that this person may not see is left out."""
    said: dict[str, Any] = {name: request.GET.getlist(name) for name in LISTS}
    said |= {name: request.GET.get(name) for name in SINGLES}
    said["datasets"] = [dataset.pk for dataset in chosen]
    said["models"] = said["models"] or [model.pk for model in able]
    image, like = said["image"] or "", said["like"] or ""
    if not (_is_key(image) and visible_images(request.user).filter(pk=image, hidden=False).exists()):
        said["image"] = None
    if not (_is_uuid(like) and access.visible_searches(request.user).filter(pk=like).exists()):
        said["like"] = None
    return said


def _is_key(text: str) -> bool:
    return text.isdecimal() and len(text) < MOST_DIGITS


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _chosen_url(form: SearchForm) -> str:
    """Return where the picture is that was chosen before; "" without one, and for files, which no form keeps."""
    image, like = str(form["image"].value() or ""), str(form["like"].value() or "")
    if _is_key(image):
        return reverse("picture", args=[image])
    return reverse("search-picture", args=[like]) if _is_uuid(like) else ""


def class_choices(datasets: Iterable[Dataset], sent: QueryDict) -> dict[str, Any]:
    """Return the classes that one chose, and those that match what one types, by the fields of a form."""
    searched = [row for row in datasets if str(row.pk) in sent.getlist("datasets")] or list(datasets)[:1]
    chosen, found = options.find_classes(searched, sent.getlist("classes"), sent.get("class_name", ""))
    return {"chosen_classes": chosen, "found_classes": found, "class_name": sent.get("class_name", "")}


@login_required
@require_GET
def classes(request: HttpRequest) -> HttpResponse:
    """Give the part of a form in which classes are chosen."""
    found = class_choices(run_search.searchable_datasets(request.user), request.GET)
    return render(request, "retrieval/_class_choices.html", found)
