"""Serializers of one's own account and its tokens."""

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts import services
from accounts.models import ApiToken, User
from accounts.roles import Role, role_of
from config.api.strict import StrictSerializer

ME = {"id": 2, "email": "mia@example.org", "display_name": "Mia", "role": "member"}
TOKEN = {
    "id": "7d1f0c",
    "name": "notebook",
    "read_only": False,
    "created_at": "2026-05-04T09:30:00Z",
    "expires_at": "2026-08-02T09:30:00Z",
    "last_used_at": None,
}


@extend_schema_serializer(examples=[OpenApiExample("A member", ME, response_only=True)])
class MeSerializer(serializers.ModelSerializer[User]):
    role = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "email", "display_name", "role")
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=[role.value for role in Role], allow_null=True))
    def get_role(self, user: User) -> str | None:
        return role_of(user)


@extend_schema_serializer(examples=[OpenApiExample("Another name", {"display_name": "Mia M."})])
class MeChangesSerializer(StrictSerializer):
    display_name = serializers.CharField(max_length=80)


@extend_schema_serializer(examples=[OpenApiExample("A token", TOKEN)])
class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    id = serializers.CharField(source="digest", read_only=True)
    created_at = serializers.DateTimeField(source="created", read_only=True)
    expires_at = serializers.DateTimeField(
        source="expiry", read_only=True, allow_null=True, help_text="End of the token; null if it never expires."
    )

    class Meta:
        model = ApiToken
        fields = ("id", "name", "read_only", "created_at", "expires_at", "last_used_at")
        read_only_fields = fields


@extend_schema_serializer(examples=[OpenApiExample("A new token", {**TOKEN, "secret": "kin_..."})])
class CreatedTokenSerializer(TokenSerializer):
    """A new token; only this response contains `secret`."""

    secret = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "secret")  # type: ignore[assignment]


@extend_schema_serializer(
    examples=[OpenApiExample("For a notebook", {"name": "notebook", "read_only": False, "expires_in_days": 30})]
)
class NewTokenSerializer(StrictSerializer):
    name = serializers.CharField(max_length=80)
    read_only = serializers.BooleanField(default=False)  # type: ignore[assignment]  # declared fields leave the class
    expires_in_days = serializers.IntegerField(
        min_value=1,
        max_value=3650,
        default=services.USUAL_LIFETIME.days,
        allow_null=True,
        help_text=f"Days until the token expires (default {services.USUAL_LIFETIME.days}); null if it never expires.",
    )
