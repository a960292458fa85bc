"""The pages under /me/ that belong to the account: profile, tokens, security, one's data."""

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import personal_data, services
from accounts.errors import AccountError
from accounts.forms import DeleteAccountForm, ProfileForm, TokenForm
from accounts.models import User
from accounts.permissions import signed_in
from accounts.roles import MEANINGS, role_of
from accounts.security import services as security_services


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show the profile, what there is to set, and where; a POST changes the name."""
    user = signed_in(request)
    form = ProfileForm(request.POST or None, initial={"display_name": user.display_name})
    if request.method == "POST" and form.is_valid():
        services.rename(user, form.cleaned_data["display_name"])
        messages.success(request, "Name changed.")
        return redirect("account")
    role = role_of(user)
    context = {
        "form": form,
        "role": role,
        "role_means": MEANINGS[role] if role else "",
        "confirmed": security_services.is_confirmed(user),
        "tokens": services.tokens_of(user).count(),
        "factor": security_services.second_factor_of(user),
        "sessions": len(security_services.sessions_of(user)),
    }
    return render(request, "accounts/account.html", context, status=400 if form.errors else 200)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]  # the form is sent again by itself
def tokens(request: HttpRequest) -> HttpResponse:
    """List the tokens; a POST creates one and shows its secret once."""
    user = signed_in(request)
    form = TokenForm(request.POST or None)
    secret = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            _, secret = services.create_token(user, data["name"], data["read_only"], form.lifetime())
        except AccountError as error:
            form.add_error(None, str(error))
        else:
            form = TokenForm()
    context = {
        "form": form,
        "secret": secret,
        "tokens": services.tokens_of(user),
        "confirmed": security_services.is_confirmed(user),
        "most": settings.TOKENS_PER_PERSON,
    }
    return render(request, "accounts/tokens.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def revoke_token(request: HttpRequest, digest: str) -> HttpResponse:
    """Revoke one of one's own tokens."""
    user = signed_in(request)
    token = get_object_or_404(services.tokens_of(user), pk=digest)
    services.revoke_token(token, by=user)
    messages.success(request, f"Token {token.name!r} revoked.")
    return redirect("tokens")


@login_required
@never_cache
@require_GET
def security(request: HttpRequest) -> HttpResponse:
    """Show second factor, password, addresses and sessions, with links to change them."""
    user = signed_in(request)
    context = {
        "addresses": security_services.addresses_of(user),
        "factor": security_services.second_factor_of(user),
        "sessions": security_services.sessions_of(user),
    }
    return render(request, "accounts/security.html", context)


@login_required
@require_GET
def data(request: HttpRequest) -> HttpResponse:
    """Show the export, the quotas, and the form that deletes the account."""
    return render(request, "accounts/data.html", _data_context(signed_in(request), DeleteAccountForm()))


@login_required
@never_cache
@require_GET
def export_data(request: HttpRequest) -> HttpResponse:
    """Give everything stored about this person as a JSON file."""
    response = JsonResponse(personal_data.export_all(signed_in(request)), json_dumps_params={"indent": 1})
    response["Content-Disposition"] = 'attachment; filename="kindred-my-data.json"'
    return response


@login_required
@require_POST
@reauthentication_required  # type: ignore[untyped-decorator]  # by password, or by a code of the second factor; then the form is sent again by itself
def delete_account(request: HttpRequest) -> HttpResponse:
    """Delete this person's account and data."""
    user = signed_in(request)
    form = DeleteAccountForm(request.POST)
    if form.is_valid():
        try:
            services.delete_account(user)
        except AccountError as error:
            form.add_error(None, str(error))
        else:
            logout(request)
            messages.success(request, "Your account and your data were deleted.")
            return redirect("account_login")
    return render(request, "accounts/data.html", _data_context(user, form), status=400)


def _data_context(user: User, form: DeleteAccountForm) -> dict[str, object]:
    return {"form": form, "sections": personal_data.SECTIONS, "quotas": personal_data.used_by(user)}
