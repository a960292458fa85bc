"""Share links over the API, for curators."""

import django_filters as filters  # type: ignore[import-untyped]
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import mixins, serializers
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet

from accounts.permissions import IsCurator, signed_in
from config.api.filter_fields import WholeNumber
from config.api.views import UUID, VersionedViewSet
from retrieval.models import Search
from retrieval.search.services import sharing

LINK = {
    "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "owner": 2,
    "owner_name": "Mia",
    "datasets": [1],
    "url": "https://kindred.example.org/shared/Vb3kq0W1d7n2/",
    "created_at": "2026-05-04T09:30:00Z",
}


class ShareLinkFilter(filters.FilterSet):  # type: ignore[misc]
    """Links into one data set."""

    dataset = WholeNumber(field_name="datasets", label="Links into this data set.")

    class Meta:
        model = Search
        fields: tuple[str, ...] = ()


@extend_schema_serializer(examples=[OpenApiExample("A shared search", LINK)])
class ShareLinkSerializer(serializers.ModelSerializer[Search]):
    """A search that its owner shared; `id` and `created_at` are the search's."""

    owner_name = serializers.CharField(source="owner.display_name", read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Search
        fields = ("id", "owner", "owner_name", "datasets", "url", "created_at")
        read_only_fields = fields

    @extend_schema_field(serializers.URLField())
    def get_url(self, search: Search) -> str:
        return str(reverse("shared", args=[search.share_token], request=self.context.get("request")))


class ShareLinkViewSet(
    VersionedViewSet, mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, GenericViewSet[Search]
):
    """The links with which members shared searches."""

    serializer_class = ShareLinkSerializer
    permission_classes = (IsCurator,)
    filterset_class = ShareLinkFilter
    queryset = Search.objects.none()  # for the schema; each request gets its own
    lookup_value_regex = UUID
    page_order = ("-created_at", "id")

    def get_queryset(self) -> QuerySet[Search]:
        return sharing.links_into(self.request.user)

    def perform_destroy(self, instance: Search) -> None:
        sharing.revoke_link(instance.pk, by=signed_in(self.request))
