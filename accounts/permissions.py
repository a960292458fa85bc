"""Who may enter: for HTML views a decorator, for API views permission classes."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from accounts.roles import is_admin, is_curator

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def curator_required(view: View[P]) -> View[P]:
    """Send a visitor to sign in, and refuse (403) a member who is no curator."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not is_curator(request.user):
            raise PermissionDenied("This page is for curators. An admin can make you one.")
        return view(request, *args, **kwargs)

    return cast(View[P], guarded)


def signed_in(request: HttpRequest | Request) -> User:
    """Return who sent the request, in a view that has already turned visitors away.

    Raises:
        PermissionDenied: it was a visitor all the same.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied("Sign in first.")
    return request.user


class IsCurator(BasePermission):
    """Curators and admins."""

    message = "This is for curators. An admin can make you one."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return is_curator(request.user)


class IsAdmin(BasePermission):
    """Admins."""

    message = "This is for admins."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return is_admin(request.user)
