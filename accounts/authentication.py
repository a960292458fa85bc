"""Authentication of programs by `Authorization: Token kin_...`."""

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts import services
from accounts.models import ApiToken, User


class ApiTokenAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """Accept valid tokens; a read-only one for reading only."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return whose token the request has, read once for each request, whoever asks; None without one.

        Raises:
            AuthenticationFailed: the token is malformed or not valid, or its account is not active.
            PermissionDenied: it is read-only, and the request changes something.
        """
        sent = request._request
        if not hasattr(sent, "token_sender"):
            sent.token_sender = super().authenticate(request)  # type: ignore[attr-defined]
        authenticated: tuple[User, ApiToken] | None = sent.token_sender  # type: ignore[attr-defined]
        if authenticated is None:
            return None
        _, token = authenticated
        if token.read_only and request.method not in SAFE_METHODS:
            raise PermissionDenied(
                f"the token {token.name!r} is read-only; create one with write access at /me/tokens/", "read_only_token"
            )
        services.note_token_use(token)
        return authenticated

    def authenticate_credentials(self, secret: bytes) -> tuple[User, ApiToken]:
        """Return whose token it is, in one query; knox reads all tokens of the account besides.

        Raises:
            AuthenticationFailed: there is no such token, it has expired, or the account is not active.
        """
        token = services.find_token(secret.decode(errors="replace"))
        if token is None:
            raise AuthenticationFailed("Invalid token.")
        return self.validate_user(token)  # type: ignore[no-any-return]


class ApiTokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # found by spectacular
    target_class = "accounts.authentication.ApiTokenAuthentication"
    name = "token"
