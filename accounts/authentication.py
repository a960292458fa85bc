"""Authentication of programs by `Authorization: Token kin_...`."""

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts import services
from accounts.models import ApiToken, User


class ApiTokenAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """Accept valid tokens; a read-only one for reading only."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        authenticated: tuple[User, ApiToken] | None = super().authenticate(request)
        if authenticated is None:
            return None
        _, token = authenticated
        if token.read_only and request.method not in SAFE_METHODS:
            raise PermissionDenied(
                f"the token {token.name!r} is read-only; create one with write access at /me/tokens/", "read_only_token"
            )
        services.note_token_use(token)
        return authenticated


class ApiTokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # found by spectacular
    target_class = "accounts.authentication.ApiTokenAuthentication"
    name = "token"
