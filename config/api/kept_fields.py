"""Serializers whose fields are made once a process: to make them for each request takes longer than to use them."""

import copy
from typing import Any

from rest_framework import serializers

_KEPT: dict[type[Any], dict[str, Any]] = {}


class KeptFieldsMixin(serializers.BaseSerializer[Any]):
    """Give each serializer copies of the fields that the first of its class made.

    The fields must depend on nothing but the class.
    """

    def get_fields(self) -> dict[str, Any]:
        """Return the fields by their names, unbound."""
        kept = _KEPT.get(type(self))
        if kept is None:
            kept = _KEPT[type(self)] = super().get_fields()  # type: ignore[misc]  # of the serializer it is mixed into
        return {name: _copied(field) for name, field in kept.items()}


def _copied(field: Any) -> Any:
    """Return an unbound copy; one that holds other fields is made anew, since they know to whom they belong."""
    nested = isinstance(field, serializers.BaseSerializer | serializers.ManyRelatedField)
    return copy.deepcopy(field) if nested or hasattr(field, "child") else copy.copy(field)
