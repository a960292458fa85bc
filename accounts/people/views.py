"""The pages on which admins manage people."""

from collections.abc import Callable

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.audit.services import entries_of
from accounts.errors import AccountError
from accounts.models import User
from accounts.people import services
from accounts.people.forms import InviteForm, PeopleFilter, RoleForm
from accounts.permissions import admin_required, signed_in
from accounts.security.services import second_factor_of, sessions_of
from config.html_errors import rejection_as_message

PAGE = 50
RECENT = 20


@admin_required
@never_cache
@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """List people, filtered."""
    form = PeopleFilter(request.GET)
    filters = form.cleaned_data if form.is_valid() else {}
    page = Paginator(services.people(**filters), PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "people": map(services.describe, page), "is_filtered": any(filters.values())}
    return render(request, "accounts/people.html", context)


@admin_required
@never_cache
@require_GET
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one person, what was done to the account and by it, and what an admin can do."""
    account = get_object_or_404(services.people(), pk=pk)
    described = services.describe(account)
    context = {
        "person": described,
        "form": RoleForm(initial={"role": described.role}),
        "factor": second_factor_of(account),
        "sessions": sessions_of(account),
        "entries": entries_of(account)[:RECENT],
    }
    return render(request, "accounts/person.html", context)


@admin_required
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Invite somebody by e-mail."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            invited = services.invite(**form.cleaned_data, by=signed_in(request), site=_site(request))
        except AccountError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"Invitation sent to {invited.email}.")
            return redirect("person", pk=invited.pk)
    return render(request, "accounts/invite.html", {"form": form}, status=400 if form.errors else 200)


def _site(request: HttpRequest) -> str:
    return request.build_absolute_uri("/")


@admin_required
@require_POST
@rejection_as_message(back="person")
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the invitation again."""
    site = _site(request)
    return _act(
        request, pk, lambda person, by: services.resend_invitation(person, by=by, site=site), "got a new invitation"
    )


@admin_required
@require_POST
@rejection_as_message(back="person")
def change_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Give another role."""
    role = request.POST.get("role", "")
    return _act(request, pk, lambda person, by: services.change_role(person, role, by=by), f"is {role} now")


@admin_required
@require_POST
@rejection_as_message(back="person")
def deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Take all access away."""
    return _act(request, pk, lambda person, by: services.deactivate(person, by=by), "is deactivated and signed out")


@admin_required
@require_POST
@rejection_as_message(back="person")
def reactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Give access back."""
    return _act(request, pk, lambda person, by: services.reactivate(person, by=by), "can sign in again")


@admin_required
@require_POST
@rejection_as_message(back="person")
def remove_second_factor(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a password be enough again."""
    return _act(
        request,
        pk,
        lambda person, by: services.remove_second_factor(person, by=by),
        "needs no second factor now",
    )


def _act(request: HttpRequest, pk: int, act: Callable[[User, User], None], done: str) -> HttpResponse:
    """Call `act` with that person, and show a message."""
    account = get_object_or_404(User, pk=pk)
    act(account, signed_in(request))
    messages.success(request, f"{account.email} {done}.")
    return redirect("person", pk=pk)
