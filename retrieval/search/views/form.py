"""The search page: its form, filled from the URL, and its parts that change."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.permissions import signed_in
from config.errors import Rejected, ServiceError
from config.html_errors import error_page
from retrieval.datasets.services.random_pictures import random_pictures
from retrieval.datasets.services.visibility import visible_datasets, visible_images
from retrieval.models import Dataset, Image, Index, Model, Search
from retrieval.search.forms import SIDES, SearchForm, named_error
from retrieval.search.services import access, run_search
from retrieval.search.services.batches import MOST_SEARCHES, PATIENCE, TOGETHER, run_all
from retrieval.search.services.defaults import chosen_models, default_datasets, default_models
from retrieval.search.services.options import ClassChoice, find_classes
from retrieval.search.services.query_image import ACCEPTED_FILES, FORMATS
from retrieval.search.services.results import results_of_all
from retrieval.search.services.status import jobs_in_progress, outdated
from retrieval.search.services.turns import in_turn
from retrieval.search.services.url_fetch import fetch_picture

GALLERY = 24
RECENT = 6
LISTS = ("models", "splits", "classes")
SINGLES = ("k", "threshold", "image", "like", *SIDES)


@login_required
@in_turn
def home(request: HttpRequest) -> HttpResponseBase:
    """Show the form of a search, or run it: once for each of the pictures."""
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
    files = form.pictures()
    if len(files) > 1:
        return _batch(request, form, files)
    try:
        search = _run(request, form)
    except ServiceError as error:
        form.add_service_error(error)
        return error_page(error, lambda status: _form_page(request, form, status))
    return _leading(request, reverse("search-detail", args=[search.pk]))


def _leading(request: HttpRequest, url: str) -> HttpResponseBase:
    """Redirect; a script that sends the form gets the URL alone, so that the page is made once."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def _run(request: HttpRequest, form: SearchForm) -> Search:
    values = form.cleaned_data
    query = _picture(values)
    able = list(run_search.searchable_models(*values["datasets"]))
    models = chosen_models(values, able)
    search = run_search.run_search(
        datasets=values["datasets"],
        models=models,
        searchable=able,
        k=values["k"],
        by=signed_in(request),
        options=form.options(),
        **query,
    )
    tell_skipped(request, search, models)
    return search


def _batch(request: HttpRequest, form: SearchForm, files: Sequence["UploadedFile[bytes]"]) -> HttpResponseBase:
    """Search with every file, and lead to the page of all; a file that is refused leaves the others."""
    able = list(run_search.searchable_models(*form.cleaned_data["datasets"]))
    models = chosen_models(form.cleaned_data, able)
    outcomes = _outcomes(request, form, files, models, able)
    searches = [outcome for _, outcome in outcomes if isinstance(outcome, Search)]
    refusals = [(file, outcome) for file, outcome in outcomes if not isinstance(outcome, Search)]
    if not searches:
        for file, refusal in refusals:
            form.add_error("picture", named_error(refusal, file.name or ""))
        return error_page(refusals[0][1], lambda status: _form_page(request, form, status))
    for file, refusal in refusals:
        messages.error(request, named_error(refusal, file.name or ""))
    tell_skipped(request, searches[0], models)
    return _leading(request, f"{reverse('search-batch')}?{urlencode([('search', one.pk) for one in searches])}")


Outcome = tuple["UploadedFile[bytes]", Search | ServiceError]


def _outcomes(
    request: HttpRequest,
    form: SearchForm,
    files: Sequence["UploadedFile[bytes]"],
    models: Sequence[Model],
    able: Sequence[Model],
) -> list[Outcome]:
    """Return each file's search, or why it was refused, in order. able: the models that can search the data sets."""
    values = form.cleaned_data
    try:
        options = form.options()
    except ServiceError as error:
        return [(file, error) for file in files]
    wanted: run_search.SearchRequest = {
        "datasets": values["datasets"],
        "models": models,
        "searchable": able,
        "k": values["k"],
        "by": signed_in(request),
        "options": options,
    }
    until, outcomes = time.monotonic() + PATIENCE, list[Outcome]()
    for start in range(0, len(files), TOGETHER):
        part = files[start : start + TOGETHER]
        requests: list[run_search.SearchRequest] = [{**wanted, "upload": file.read()} for file in part]
        outcomes += zip(part, run_all(requests, max(0, until - time.monotonic())), strict=True)
    return outcomes


@login_required
@never_cache
def batch(request: HttpRequest) -> HttpResponseBase:
    """Search with several pictures, or show searches of one's own side by side: those that the URL names."""
    if request.method == "POST":
        return home(request)
    keys = [key for key in request.GET.getlist("search")[:MOST_SEARCHES] if _is_uuid(key)]
    rows = {str(search.pk): search for search in access.visible_searches(request.user).filter(pk__in=keys)}
    searches = [rows[key] for key in dict.fromkeys(keys) if key in rows]
    if not searches:
        return redirect("searches")
    results = results_of_all(searches, request.user, with_predictions=True)
    return render(request, "retrieval/search_batch.html", {"rows": [results[search.pk] for search in searches]})


class _Query(TypedDict, total=False):
    image: Image
    like: Search
    upload: bytes


def _picture(values: Mapping[str, Any]) -> _Query:
    """Return the one query of a valid form, as `run_search` takes it."""
    if values["image"]:
        return {"image": values["image"]}
    if values["like"]:
        return {"like": values["like"]}
    if values["picture"]:
        return {"upload": values["picture"].read()}
    try:
        return {"upload": fetch_picture(values["url"])}
    except Rejected as error:
        raise Rejected(str(error), field="url") from error


def tell_skipped(request: HttpRequest, search: Search, models: Iterable[Model]) -> None:
    """Say which models were skipped."""
    for model in run_search.skipped_models(search, models):
        messages.info(
            request,
            f"{model.name} was skipped: it has no network, so it can only search with "
            "whole pictures from the data set.",
        )


def _form_page(request: HttpRequest, form: SearchForm | None, status: int) -> HttpResponse:
    datasets = list(run_search.searchable_datasets(request.user))
    able = list(run_search.searchable_models(*datasets))
    sent = request.GET if form is None else request.POST
    selected = _selected(request, datasets, sent)
    defaults = default_models(able, selected)
    if form is None:
        searches = access.visible_searches(request.user)
        initial = _initial(request, selected, defaults)
        form = SearchForm(datasets=run_search.searchable_datasets(request.user), searches=searches, initial=initial)
    context: dict[str, object] = {
        "form": form,
        "datasets": datasets,
        "models": able,
        "default_models": defaults,
        "searched": selected,
        "gallery": random_pictures(selected, GALLERY, Image.objects.filter(hidden=False)),
        "recent": access.roots_of(request.user)[:RECENT],
        "jobs": [] if able else jobs_in_progress(),
        "outdated": outdated(_serving(able, selected)),
        "picture_url": _picture_url(form),
        "fetches": settings.FETCH,
        "accepts": ACCEPTED_FILES,
        "formats": FORMATS,
        "most_bytes": settings.PICTURE_MAX_BYTES,
        "most_pictures": MOST_SEARCHES,
        **class_choices(selected, sent),
    }
    return render(request, "retrieval/search.html", context, status=status)


def _selected(request: HttpRequest, datasets: Sequence[Dataset], sent: QueryDict) -> list[Dataset]:
    """Return the data sets that the form names, else the person's default."""
    named = [row for row in datasets if str(row.pk) in sent.getlist("datasets")]
    return named or default_datasets(request.user, datasets)


def _serving(models: Iterable[Model], datasets: Sequence[Dataset]) -> list[Index]:
    wanted = {dataset.pk for dataset in datasets}
    return [index for model in models for index in model.serving if index.dataset_id in wanted]  # type: ignore[attr-defined]


def _initial(request: HttpRequest, datasets: Sequence[Dataset], defaults: Sequence[Model]) -> dict[str, object]:
    """Return the values of the form that the URL gives; a picture that this person may not see is left out."""
    sent = request.GET
    image, like = sent.get("image", ""), sent.get("like", "")
    sees_image = _is_key(image) and visible_images(request.user).filter(pk=image, hidden=False).exists()
    sees_like = _is_uuid(like) and access.visible_searches(request.user).filter(pk=like).exists()
    return {
        **{name: sent.getlist(name) for name in LISTS},
        **{name: sent.get(name) for name in SINGLES},
        "datasets": [dataset.pk for dataset in datasets],
        "models": sent.getlist("models") or [model.pk for model in defaults],
        "all_models": bool(sent.get("all_models")),
        "image": image if sees_image else None,
        "like": like if sees_like else None,
    }


def _is_key(text: str) -> bool:
    return text.isdecimal() and len(text) < settings.KEY_MAX_DIGITS


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _picture_url(form: SearchForm) -> str:
    """Return the URL of the picture that was selected before; "" without one, and for files, which no form keeps."""
    image, like = str(form["image"].value() or ""), str(form["like"].value() or "")
    if _is_key(image):
        return reverse("picture", args=[image])
    return reverse("search-picture", args=[like]) if _is_uuid(like) else ""


class ClassChoices(TypedDict):
    """The context of the part of a form in which classes are selected."""

    selected_classes: list[ClassChoice]
    offered_classes: list[ClassChoice]
    class_name: str


def class_choices(datasets: Iterable[Dataset], sent: QueryDict) -> ClassChoices:
    """Return the selected classes, and those that match the typed name, by the fields of a form."""
    searched = [row for row in datasets if str(row.pk) in sent.getlist("datasets")] or list(datasets)
    selected, offered = find_classes(searched, sent.getlist("classes"), sent.get("class_name", ""))
    return {"selected_classes": selected, "offered_classes": offered, "class_name": sent.get("class_name", "")}


@login_required
@require_GET
def classes(request: HttpRequest) -> HttpResponse:
    """Return the part of a form in which classes are selected."""
    choices = class_choices(run_search.searchable_datasets(request.user), request.GET)
    return render(request, "retrieval/_class_choices.html", dict(choices))
