"""Access by role: decorators for HTML views, permission classes for the API."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from accounts.roles import Role, holds, is_admin, lacks_second_factor

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


FOR_CURATORS = "Only curators may open this page. Ask an admin for the role."
FOR_ADMINS = "Only admins may open this page."
SECOND_FACTOR_FIRST = "Your role requires a second factor. Set one up at /me/security/ first."


def curator_required(view: View[P]) -> View[P]:
    """Send a visitor to sign in, and refuse (403) a member who is no curator."""
    return _guarded(view, Role.CURATOR, FOR_CURATORS)


def admin_required(view: View[P]) -> View[P]:
    """Send a visitor to sign in, and refuse (403) whoever is no admin."""
    return _guarded(view, Role.ADMIN, FOR_ADMINS)


def _guarded(view: View[P], least: Role, sentence: str) -> View[P]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not holds(request.user, least):
            raise PermissionDenied(sentence)
        return _ask_second_factor(request) or view(request, *args, **kwargs)

    return cast(View[P], guarded)


def _ask_second_factor(request: HttpRequest) -> HttpResponseBase | None:
    """Return the way to the page that sets one up, if the role needs one that is not there."""
    if not lacks_second_factor(request.user):
        return None
    messages.warning(request, SECOND_FACTOR_FIRST)
    return redirect("security")


def second_factor_first(sign_in: View[P]) -> View[P]:
    """Wrap the admin site's sign-in, where it sends whom it does not let in."""

    @wraps(sign_in)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return _ask_second_factor(request) or sign_in(request, *args, **kwargs)

    return cast(View[P], guarded)


def may_administer(request: HttpRequest) -> bool:
    """Say whether the admin site lets the request in."""
    return is_admin(request.user)


def signed_in(request: HttpRequest | Request) -> User:
    """Return who sent the request, in a view that has already turned visitors away.

    Raises:
        PermissionDenied: it was a visitor all the same.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied("Sign in first.")
    return request.user


class HoldsRole(BasePermission):
    """Those who have a role and, where the site asks for it, a second factor."""

    least: Role
    sentence: str
    code: str | None = None

    def has_permission(self, request: Request, view: APIView) -> bool:
        self.message = self.sentence
        if not holds(request.user, self.least):
            return False
        if lacks_second_factor(request.user):
            self.message, self.code = SECOND_FACTOR_FIRST, "second_factor_required"
            return False
        return True


class IsCurator(HoldsRole):
    """Curators and admins."""

    least = Role.CURATOR
    sentence = "Only curators may do this. Ask an admin for the role."


class IsAdmin(HoldsRole):
    """Admins."""

    least = Role.ADMIN
    sentence = "Only admins may do this."


class IsFreshSession(BasePermission):
    """Those who signed in with a browser and proved a few minutes ago that they are still the same person."""

    code = "session_required"
    message = "A token cannot create tokens. Create one at /me/tokens/."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.auth is not None:
            return False
        self.code, self.message = "proof_required", "Confirm your password at /accounts/reauthenticate/ first."
        return bool(did_recently_reauthenticate(request))
