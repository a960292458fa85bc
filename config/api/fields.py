"""Serializer fields that several endpoints share."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

LARGEST_KEY = 10**settings.KEY_MAX_DIGITS - 1


class KeyField(serializers.IntegerField):
    """The id of an object."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST_KEY, **kwargs)


@extend_schema_field({"anyOf": [{"type": "string"}, {"type": "number"}]})
class NumberOrTextField(serializers.Field[Any, Any, Any, Any]):
    """A number or a text, passed on as a text; the service checks which of them it must be."""

    default_error_messages = {"invalid": "this must be a number or a text"}

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, bool) or not isinstance(data, int | float | str):
            self.fail("invalid")
        text: str = serializers.CharField().run_validation(data)
        return text

    def to_representation(self, value: Any) -> Any:
        return value
