"""The page of a search: its results with one's marks, one of them in large, and its refinement."""

from django.contrib.auth.decorators import login_required
from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.permissions import signed_in
from config.errors import ServiceError
from config.html_errors import error_page
from retrieval.models import Search
from retrieval.search.forms import RefineForm, initial_of
from retrieval.search.services import access, commands, run_search
from retrieval.search.services.defaults import chosen_models
from retrieval.search.services.marks import refined_by_marks
from retrieval.search.services.result_place import ResultPlace, place_of
from retrieval.search.services.results import Result, results_of, summary_of
from retrieval.search.services.turns import in_turn
from retrieval.search.views.form import class_choices, tell_skipped


@login_required
@never_cache
@require_safe
def search_detail(request: HttpRequest, pk: str) -> HttpResponse:
    """Show one's own search: every model's results, with one's marks on them."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    return _page(
        request, search, RefineForm(initial=initial_of(search), datasets=run_search.searchable_datasets(request.user))
    )


@login_required
@never_cache
@require_safe
def search_result(request: HttpRequest, pk: str, ranking: int, image: int) -> HttpResponse:
    """Show one result of one's own search in large."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    return result_page(request, search, ranking, image, is_owner=True)


def result_page(request: HttpRequest, search: Search, ranking: int, image: int, *, is_owner: bool) -> HttpResponse:
    """Return the page of one result; there is none (404) of a picture that the search does not show."""
    results = results_of(search, request.user)
    place = place_of(results, ranking, image)
    if place is None:
        raise Http404("that search has no such result")
    back = reverse("search-detail", args=[search.pk]) if is_owner else reverse("shared", args=[search.share_token])
    context = {
        "search": search,
        "results": results,
        "place": place,
        "result_urls": _result_urls(search, place, is_owner=is_owner),
        "back_url": f"{back}#result-{ranking}-{image}",
        "is_owner": is_owner,
    }
    return render(request, "retrieval/result.html", context)


def _result_urls(search: Search, place: ResultPlace, *, is_owner: bool) -> dict[str, str]:
    """Return the URLs of a result's picture and explanation, and of the results beside it with their pictures."""

    def urls_of(result: Result, prefix: str) -> dict[str, str]:
        if is_owner:
            page = reverse("search-result", args=[search.pk, result.ranking, result.image])
            return {prefix: page, f"{prefix}_picture": reverse("picture", args=[result.image])}
        page = reverse("shared-result", args=[search.share_token, result.ranking, result.image])
        picture = reverse("shared-picture", args=[search.share_token, result.image])
        return {prefix: page, f"{prefix}_picture": f"{picture}?size=large"}

    own = urls_of(place.result, "own")
    key, name = (search.pk, "explanation") if is_owner else (search.share_token, "shared-explanation")
    return {
        "picture": own["own_picture"],
        "explanation": reverse(name, args=[key, place.result.ranking, place.result.image]),
        **(urls_of(place.previous, "previous") if place.previous else {}),
        **(urls_of(place.next, "next") if place.next else {}),
    }


@login_required
@never_cache
@in_turn
def refine(request: HttpRequest, pk: str) -> HttpResponse:
    """Search with the same picture and other options; the new search gets a URL of its own."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    if request.method != "POST":  # the page of a failed attempt, loaded again
        return redirect("search-detail", pk=pk)
    form = RefineForm(request.POST, datasets=run_search.searchable_datasets(request.user))
    if not form.is_valid():
        return _page(request, search, form, status=400)
    try:
        refined = _refined(request, search, form)
    except ServiceError as error:
        form.add_error(None, str(error))
        return error_page(error, lambda status: _page(request, search, form, status))
    url = reverse("search-detail", args=[refined.pk])
    if request.headers.get("HX-Request") and len(get_messages(request)):
        return HttpResponse(headers={"HX-Redirect": url})  # a part of the page would leave the messages out
    return redirect(url)


def _refined(request: HttpRequest, search: Search, form: RefineForm) -> Search:
    values, user = form.cleaned_data, signed_in(request)
    more_like, less_like = (search.more, search.less) if values["keep_refined"] else ([], [])
    if "marks" in request.POST:
        more_like, less_like = refined_by_marks(user, search, more_like, less_like)
    able = list(run_search.searchable_models(*values["datasets"]))
    models = chosen_models(values, able)
    refined = run_search.run_search(
        datasets=values["datasets"],
        models=models,
        searchable=able,
        k=values["k"],
        by=user,
        like=search,
        options=form.options(more_like, less_like),
    )
    tell_skipped(request, refined, models)
    return refined


def _page(request: HttpRequest, search: Search, form: RefineForm, status: int = 200) -> HttpResponse:
    results = results_of(search, request.user, with_predictions=True)
    able = run_search.searchable_datasets(request.user)
    share_url = search.share_token and request.build_absolute_uri(reverse("shared", args=[search.share_token]))
    context = {
        "search": search,
        "results": results,
        "summary": summary_of(results, request.user),
        "is_owner": True,
        "has_marks": any(result.mark is not None for column in results.columns for result in column.results),
        "share_url": share_url,
        "curl": commands.curl_command(results, request.build_absolute_uri(reverse("api-search-list"))),
        "command": commands.kindred_command(results),
        "query_url": reverse("search-picture", args=[search.pk]),
        "form": form,
        "searchable": able,
        "models": run_search.searchable_models(*able),
        **class_choices(able, _sent(form)),
    }
    response = render(request, "retrieval/search_detail.html", context, status=status)
    if status != 200:
        response["HX-Push-Url"] = "false"  # the page stays that of the search that was to be refined
    return response


def _sent(form: RefineForm) -> QueryDict:
    """Return the form's values as a query string has them."""
    sent = QueryDict(mutable=True)
    for name in ("datasets", "classes"):
        sent.setlist(name, [str(value) for value in form[name].value() or ()])
    return sent
