"""A search that was asked: its answers with one's marks, and asking it again on other terms."""

from django.contrib.auth.decorators import login_required
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.permissions import signed_in
from config.errors import ServiceError
from config.html_errors import error_page
from retrieval.models import Search
from retrieval.search.forms import RefineForm, initial_of
from retrieval.search.services import access, results, run_search
from retrieval.search.services.marks import marks_of, moved_by_marks
from retrieval.search.views.form import class_choices, tell_not_asked


@login_required
@never_cache
@require_safe
def search_detail(request: HttpRequest, pk: str) -> HttpResponse:
    """Show one's own search: every model's answers, with one's marks on them."""
    search = get_object_or_404(access.visible_searches(request.user), pk=pk)
    return _page(
        request, search, RefineForm(initial=initial_of(search), datasets=run_search.searchable_datasets(request.user))
    )


@login_required
@never_cache
def refine(request: HttpRequest, pk: str) -> HttpResponse:
    """Ask with the same picture on other terms; the answers get an address of their own."""
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
    where = reverse("search-detail", args=[refined.pk])
    if request.headers.get("HX-Request") and len(get_messages(request)):
        return HttpResponse(headers={"HX-Redirect": where})  # a part of the page would leave the messages out
    return redirect(where)


def _refined(request: HttpRequest, search: Search, form: RefineForm) -> Search:
    values, user = form.cleaned_data, signed_in(request)
    more, less = (search.more, search.less) if values["keep_moved"] else ([], [])
    if "marks" in request.POST:
        more, less = moved_by_marks(user, search, more, less)
    models = list(values["models"] or run_search.searchable_models(*values["datasets"]))
    refined = run_search.ask(
        datasets=values["datasets"],
        models=models,
        k=values["k"],
        by=user,
        like=search,
        terms=form.terms(more, less),
    )
    tell_not_asked(request, refined, models)
    return refined


def _page(request: HttpRequest, search: Search, form: RefineForm, status: int = 200) -> HttpResponse:
    columns = results.answers_of(search, request.user)
    rankings = [row for column in columns for row in column["rankings"]]
    marks = marks_of(signed_in(request), rankings)
    for answer in (answer for column in columns for answer in column["answers"]):
        picture = answer["image"].pk
        answer["thumbnail_url"], answer["picture_url"] = (
            reverse(name, args=[picture]) for name in ("thumbnail", "picture")
        )
        answer["relevance"] = marks.get((answer["ranking"].pk, picture))
    able = run_search.searchable_datasets(request.user)
    share = search.share_token and request.build_absolute_uri(reverse("shared", args=[search.share_token]))
    context = results.summary_of(search, columns, request.user) | {
        "is_owner": True,
        "share_url": share,
        "query_url": reverse("search-picture", args=[search.pk]),
        "form": form,
        "searchable": able,
        "models": run_search.searchable_models(*able),
        "marked": bool(marks),
        **class_choices(able, _sent(form)),
    }
    answer = render(request, "retrieval/search_detail.html", context, status=status)
    if status != 200:
        answer["HX-Push-Url"] = "false"  # the page stays that of the search that was to be refined
    return answer


def _sent(form: RefineForm) -> QueryDict:
    """Return the form's values as a query string has them."""
    sent = QueryDict(mutable=True)
    for name in ("datasets", "classes"):
        sent.setlist(name, [str(value) for value in form[name].value() or ()])
    return sent
