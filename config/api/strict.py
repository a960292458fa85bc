"""Strict bodies: unknown fields and values of another JSON type are errors."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.utils import html

TYPES: tuple[tuple[type[Any], tuple[type, ...], str], ...] = (
    (serializers.BooleanField, (bool,), "true or false"),
    (serializers.IntegerField, (int,), "a whole number"),
    (serializers.PrimaryKeyRelatedField, (int,), "a whole number"),
    (serializers.FloatField, (int, float), "a number"),
    (serializers.CharField, (str,), "a text"),
    (serializers.UUIDField, (str,), "a text"),
)
"""What JSON has for a field; a form has texts for all."""


class StrictMixin(serializers.BaseSerializer[Any]):
    """Reject undeclared and read-only fields; the schema says so too (`additionalProperties: false`).

    In JSON a value must have the field's type: DRF would read "5" as 5 and 0 as "0".
    """

    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        """Check names and types, then validate."""
        if isinstance(data, Mapping):
            fields = {name: field for name, field in self.fields.items() if not field.read_only}
            wrong_types = {} if isinstance(data, QueryDict) else _mistyped_fields(fields, data)
            wrong = {**_unknown(data, list(fields)), **wrong_types}
            if wrong:
                raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)


def _unknown(data: Mapping[Any, Any], fields: list[str]) -> dict[str, list[str]]:
    only = f"valid are {', '.join(sorted(fields))}" if fields else "this body has no fields"
    return {str(name): [f"there is no such field; {only}"] for name in data if name not in fields}


def _mistyped_fields(fields: Mapping[str, Any], data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: errors for name in fields if name in data and (errors := mistyped(fields[name], data[name]))}


def mistyped(field: Any, value: Any) -> Any:
    """Return type errors of a JSON value, by position in lists and objects; None if there are none."""
    if value is None:
        return None  # the field itself checks null
    if isinstance(field, serializers.ManyRelatedField):
        return _mistyped_items(field.child_relation, dict(enumerate(value)) if isinstance(value, list) else {})
    if isinstance(field, serializers.ListField):
        return _mistyped_items(field.child, dict(enumerate(value)) if isinstance(value, list) else {})
    if isinstance(field, serializers.DictField):
        return _mistyped_items(field.child, value if isinstance(value, dict) else {})
    for kind, types, name in (*_choices(field), *TYPES):
        if isinstance(field, kind):
            fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
            return None if fits else [f"this must be {name}"]
    return None


def _choices(field: Any) -> tuple[tuple[type[Any], tuple[type, ...], str], ...]:
    if not isinstance(field, serializers.ChoiceField):
        return ()
    kinds = tuple({int if isinstance(choice, int) else str for choice in field.choices})
    return ((serializers.ChoiceField, kinds, f"one of {', '.join(map(str, field.choices))}"),)


def _mistyped_items(child: Any, items: Mapping[Any, Any]) -> dict[str, object]:
    return {str(place): errors for place, value in items.items() if (errors := mistyped(child, value))}


class StrictSerializer(StrictMixin, serializers.Serializer[Any]):
    """A strict request body."""


class StrictObject(StrictSerializer):
    """A strict object within a request body; in a form it is JSON text."""

    def get_value(self, dictionary: Any) -> Any:
        if not html.is_html_input(dictionary):
            return super().get_value(dictionary)
        text = dictionary.get(self.field_name)
        if text is None:
            return empty
        try:
            return json.loads(text)
        except (TypeError, ValueError, RecursionError):
            return text  # refused, being no object
