"""The account over the API: who am I, and my tokens."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts import services
from accounts.models import ApiToken, User
from accounts.permissions import signed_in
from accounts.roles import Role, role_of


class MeSerializer(serializers.ModelSerializer[User]):
    role = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "email", "display_name", "role")

    @extend_schema(responses=serializers.ChoiceField(choices=[role.value for role in Role]))
    def get_role(self, user: User) -> str | None:
        return role_of(user)


class MeView(APIView):
    """Who the request comes from."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(signed_in(request)).data)


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    id = serializers.CharField(source="digest", read_only=True)

    class Meta:
        model = ApiToken
        fields = ("id", "name", "read_only", "created", "expiry", "last_used_at")
        read_only_fields = ("created", "expiry", "last_used_at")


class NewTokenSerializer(TokenSerializer):
    """A new token; `secret` is in this answer only."""

    expiry_days = serializers.IntegerField(min_value=1, max_value=3650, required=False, write_only=True)
    secret = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "expiry_days", "secret")  # type: ignore[assignment]


def lifetime(days: int | None) -> timedelta | None:
    """Return that many days; None is for ever."""
    return None if days is None else timedelta(days=days)


class TokenViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, GenericViewSet[ApiToken]):
    """One's own tokens: list, make, revoke."""

    serializer_class = TokenSerializer
    queryset: QuerySet[ApiToken] = ApiToken.objects.none()  # for the schema; each request gets its own

    def get_queryset(self) -> QuerySet[ApiToken]:
        if not isinstance(self.request.user, User):
            return self.queryset
        return services.tokens_of(self.request.user)

    @extend_schema(request=NewTokenSerializer, responses={201: NewTokenSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewTokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wish = form.validated_data
        token, secret = services.create_token(
            signed_in(request), wish["name"], wish.get("read_only", False), lifetime(wish.get("expiry_days"))
        )
        return Response({**TokenSerializer(token).data, "secret": secret}, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: ApiToken) -> None:
        services.revoke_token(instance, by=signed_in(self.request))
