"""Bodies that refuse what they do not know: a mistyped field must not be dropped in silence."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class Strict(serializers.BaseSerializer[Any]):
    """Refuse fields that are not declared, or only read; the schema says so too (`additionalProperties: false`)."""

    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        """Validate, unless something is there that has no name here."""
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = sorted(str(name) for name in set(data) - known)
            if unknown:
                only = f"known are {', '.join(sorted(known))}" if known else "nothing is known here"
                raise serializers.ValidationError({name: [f"there is no such field; {only}"] for name in unknown})
        return super().to_internal_value(data)


class Body(Strict, serializers.Serializer[Any]):
    """What a request carries."""


class Nothing(Body):
    """The body of a request that says everything by its address."""
