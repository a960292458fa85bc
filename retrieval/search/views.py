"""Pages about searching."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.permissions import signed_in
from retrieval.datasets.services import thumbnail_of, visible_datasets
from retrieval.errors import EngineBusy, Refused
from retrieval.files import jpeg_response
from retrieval.models import Dataset, Image, Model, Search
from retrieval.search import services
from retrieval.search.forms import SearchForm

GALLERY = 24
RECENT = 6


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the form of a search, or ask."""
    form = _bound(request) if request.method == "POST" else None
    if form is not None and form.is_valid():
        values = form.cleaned_data
        models = list(values["models"] or services.searchable_models(*values["datasets"]))
        try:
            search = services.ask(
                datasets=values["datasets"],
                models=models,
                k=values["k"],
                by=signed_in(request),
                image=values["image"],
                upload=None if values["image"] else values["picture"].read(),
            )
        except Refused as error:
            form.add_error(None, str(error))
        except EngineBusy as busy:
            form.add_error(None, str(busy))
            answer = _form_page(request, form, status=503)
            answer["Retry-After"] = str(busy.retry_after)
            return answer
        else:
            for model in services.not_asked(search, models):
                messages.info(request, f"{model.name} was not asked: it can look at pictures of the gallery only.")
            return redirect("search-detail", pk=search.pk)
    return _form_page(request, form, status=200 if form is None else 400)


def _bound(request: HttpRequest) -> SearchForm:
    datasets = visible_datasets(request.user).filter(revision__gt=0)
    return SearchForm(request.POST, request.FILES, datasets=datasets, models=Model.objects.filter(published=True))


def _form_page(request: HttpRequest, form: SearchForm | None, status: int) -> HttpResponse:
    datasets = services.searchable_datasets(request.user)
    able = services.searchable_models(*datasets)
    chosen = _chosen(request, datasets)
    models = services.searchable_models(*chosen)
    if form is None:
        form = SearchForm(datasets=datasets, models=models, initial={"datasets": chosen, "models": models})
    context: dict[str, Any] = {
        "form": form,
        "datasets": datasets,
        "models": able,
        "gallery": Image.objects.filter(dataset__in=chosen, hidden=False)
        .select_related("dataset")
        .order_by("?")[:GALLERY],
        "recent": _with_queries(services.roots_of(request.user)[:RECENT]),
        "reason": "" if able else "No model can search yet: a curator imports a data set and trains one in the lab.",
    }
    return render(request, "retrieval/search.html", context, status=status)


def _chosen(request: HttpRequest, datasets: Iterable[Dataset]) -> list[Dataset]:
    wanted = request.POST.getlist("datasets") or request.GET.getlist("datasets")
    return [dataset for dataset in datasets if str(dataset.pk) in wanted] or list(datasets)[:1]


def _with_queries(searches: Any) -> list[Search]:
    rows = list(searches)
    for search in rows:
        search.query_url = reverse("search-picture", args=[search.pk])
    return rows


@never_cache
@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """Show a search to whoever has its link."""
    search = _shared(token)
    columns = services.answers_of(search)
    for answer in (answer for column in columns for answer in column["answers"]):
        where = reverse("shared-picture", args=[token, answer["image"].pk])
        answer |= {"thumbnail_url": where, "picture_url": where, "relevance": None}
    query = reverse("shared-query", args=[token])
    context = {"search": search, "columns": columns, "share_url": None, "is_owner": False, "query_url": query}
    return render(request, "retrieval/search_detail.html", context)


def _shared(token: str) -> Search:
    search = services.shared_search(token)
    if search is None:
        raise Http404("that link was revoked or never was")
    return search


@require_GET
def shared_picture(request: HttpRequest, token: str, pk: int) -> HttpResponseBase:
    """Give a small picture that a shared search shows, and no other."""
    search = _shared(token)
    if not any(pk in ranking.image_ids for ranking in search.rankings.all()):
        raise Http404("that search does not show that picture")
    image = get_object_or_404(Image.objects.select_related("dataset"), pk=pk)
    return jpeg_response(lambda: thumbnail_of(image))


@require_GET
def shared_query(request: HttpRequest, token: str) -> HttpResponseBase:
    """Give the query of a shared search."""
    search = _shared(token)
    return jpeg_response(lambda: services.query_file(search))


@login_required
@require_GET
def query_picture(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Give the query of one's own search."""
    search = get_object_or_404(services.visible_searches(request.user), pk=pk)
    return jpeg_response(lambda: services.query_file(search))


@login_required
@require_POST
def share(request: HttpRequest, pk: str) -> HttpResponse:
    """Make a link to one's own search, or revoke it."""
    search = get_object_or_404(services.visible_searches(request.user), pk=pk)
    services.set_shared(search, search.share_token is None)
    return redirect("search-detail", pk=pk)


@login_required
@require_POST
def delete(request: HttpRequest, pk: str) -> HttpResponse:
    """Remove one's own search with its picture."""
    services.delete_search(get_object_or_404(services.visible_searches(request.user), pk=pk))
    messages.success(request, "The search and its picture are deleted.")
    return redirect("searches")
