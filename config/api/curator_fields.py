"""Serializers some of whose fields concern curators alone."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from accounts.roles import is_curator


# A comment, since a docstring would describe the serializers that have none in the description of the API.
# Others than curators get an empty value of each field of `curator_fields`, which has these values by name.
class CuratorFieldsMixin(serializers.BaseSerializer[Any]):
    curator_fields: ClassVar[Mapping[str, object]] = {}

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return the fields as this person may read them; without a request, as a visitor may."""
        value: dict[str, Any] = super().to_representation(instance)
        request = self.context.get("request")
        if not (request and is_curator(request.user)):
            value |= {name: empty for name, empty in self.curator_fields.items() if name in value}
        return value
