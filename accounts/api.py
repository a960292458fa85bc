"""The account over the API: profile, export of personal data, tokens."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts import personal_data, services
from accounts.models import ApiToken, User
from accounts.permissions import IsFreshSession, signed_in
from accounts.serializers import (
    CreatedTokenSerializer,
    MeChangesSerializer,
    MeSerializer,
    NewTokenSerializer,
    TokenSerializer,
)
from config.api.schema import may_answer
from config.api.views import VersionedViewSet


class MeView(VersionedViewSet):
    """The account that sends the request."""

    serializer_class = MeSerializer
    queryset = User.objects.none()
    detail = True

    def find(self) -> User:
        return User.objects.get(pk=signed_in(self.request).pk)

    @extend_schema(operation_id="me_retrieve", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Return my account and its role."""
        return self.retrieve(request)

    @extend_schema(operation_id="me_update", request=MeChangesSerializer, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        """Change my name."""
        form = MeChangesSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        me = self.get_object()
        services.rename(me, **form.validated_data)
        return self.shown(me)


class MeExportView(APIView):
    """Everything that the site stores about me."""

    @extend_schema(
        operation_id="me_export",
        responses={(200, "application/json"): OpenApiTypes.OBJECT},
        examples=[OpenApiExample("The first entries", {"account": {"email": "mia@example.org"}, "jobs": []})],
    )
    def get(self, request: Request) -> Response:
        """Export everything that is stored about my account, searches and ratings."""
        return Response(personal_data.export_all(signed_in(request)))


def lifetime(days: int | None) -> timedelta | None:
    """Return that many days; None if the token never expires."""
    return None if days is None else timedelta(days=days)


class TokenViewSet(
    VersionedViewSet,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[ApiToken],
):
    """One's own tokens: list, create, revoke."""

    serializer_class = TokenSerializer
    queryset: QuerySet[ApiToken] = ApiToken.objects.none()  # for the schema; each request gets its own
    lookup_url_kwarg = "id"
    lookup_value_regex = "[0-9a-f]{128}"
    page_order = ("-created", "digest")

    def get_queryset(self) -> QuerySet[ApiToken]:
        return services.tokens_of(signed_in(self.request))

    def get_permissions(self) -> list[Any]:
        fresh = [IsFreshSession()] if self.action == "create" else []
        return [*super().get_permissions(), *fresh]

    @extend_schema(
        request=NewTokenSerializer,
        responses={201: CreatedTokenSerializer},
        auth=[{"cookieAuth": []}],  # type: ignore[list-item]  # as OpenAPI has it
    )
    @may_answer(409)
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Create a token. This response alone contains its secret.

        A token cannot create tokens. Use a session that confirmed its password, or a code, in the last five minutes.
        """
        form = NewTokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        token, secret = services.create_token(
            signed_in(request), values["name"], values["read_only"], lifetime(values["expires_in_days"])
        )
        where = reverse("token-detail", args=[token.pk], request=request)
        body = {**TokenSerializer(token).data, "secret": secret}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Location": where})

    def perform_destroy(self, instance: ApiToken) -> None:
        services.revoke_token(instance, by=signed_in(self.request))
