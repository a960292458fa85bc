"""Serializers with kept fields behave as those that make their fields anew."""

from typing import Any

import pytest
from rest_framework import serializers

from config.api.kept_fields import KeptFieldsMixin


class PartSerializer(serializers.Serializer[Any]):
    size = serializers.IntegerField()


class Fresh(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=4)
    counts = serializers.ListField(child=serializers.IntegerField(min_value=1), default=list)
    part = PartSerializer(required=False)
    parts = PartSerializer(many=True, default=list)
    greeting = serializers.SerializerMethodField()

    def get_greeting(self, thing: Any) -> str:
        return f"{self.context['word']} {thing['name']}"


class Kept(KeptFieldsMixin, Fresh):
    pass


GOOD = {"name": "owl", "counts": [1, 2], "part": {"size": 3}, "parts": [{"size": 4}, {"size": 5}]}


@pytest.mark.parametrize(
    "body", [GOOD, {"name": "larks"}, {"name": "owl", "counts": [0], "parts": [{"size": "x"}]}, {}]
)
def test_the_same_values_errors_and_representation(body: dict[str, Any]) -> None:
    for word in ("hello", "goodbye"):  # the second has copies of the first one's fields
        fresh, kept = (kind(data=body, context={"word": word}) for kind in (Fresh, Kept))
        assert (kept.is_valid(), kept.errors) == (fresh.is_valid(), fresh.errors)
        if fresh.is_valid():
            assert kept.validated_data == fresh.validated_data
        shown = [kind(GOOD, context={"word": word}).data for kind in (Fresh, Kept)]
        assert shown[0] == shown[1]


def test_each_has_fields_of_its_own() -> None:
    one, other = Kept(context={"word": "one"}), Kept(context={"word": "other"})
    for name, field in one.fields.items():
        assert field is not other.fields[name]
        assert field.root is one and field.context["word"] == "one"
    assert one.fields["counts"].child.root is one and other.fields["counts"].child.root is other
    one.fields["name"].required = False
    assert other.fields["name"].required and Kept().fields["name"].required


def test_a_subclass_has_its_own_fields() -> None:
    class More(Kept):
        colour = serializers.CharField()

    assert set(More().fields) - set(Kept().fields) == {"colour"}
