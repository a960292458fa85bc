"""Bodies refuse what they do not know, and JSON of other types."""

from typing import Any

import pytest
from django.http import QueryDict
from rest_framework import serializers

from config.api.strict import StrictSerializer


class Inner(StrictSerializer):
    score = serializers.FloatField()


class Outer(StrictSerializer):
    name = serializers.CharField()
    count = serializers.IntegerField(required=False, allow_null=True)
    public = serializers.BooleanField(required=False)
    mark = serializers.ChoiceField(choices=[(0, "no"), (1, "yes")], required=False)
    word = serializers.ChoiceField(choices=["a", "b"], required=False)
    box = serializers.ListField(child=serializers.FloatField(), required=False)
    rows = serializers.DictField(child=serializers.ListField(child=serializers.IntegerField()), required=False)
    inner = Inner(required=False)
    made = serializers.CharField(read_only=True)


def refused(**values: Any) -> set[str]:
    form = Outer(data={"name": "x", **values})
    return set() if form.is_valid() else set(form.errors)


@pytest.mark.parametrize(
    "values",
    [
        {"count": 5},
        {"count": None},
        {"public": False},
        {"mark": 1},
        {"word": "a"},
        {"box": [0, 0.5]},
        {"rows": {"a": [1]}},
        {"inner": {"score": 1}},
    ],
)
def test_what_is_right_passes(values: dict[str, Any]) -> None:
    assert not refused(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"name": 5},
        {"name": True},
        {"count": "5"},
        {"count": True},
        {"count": 1.5},
        {"public": "true"},
        {"public": 1},
        {"mark": "1"},
        {"mark": True},
        {"word": 0},
        {"box": ["0"]},
        {"box": [None]},
        {"box": "0,1"},
        {"rows": {"a": ["1"]}},
        {"rows": [1]},
        {"inner": {"score": "1"}},
        {"inner": {"score": 1, "grade": 2}},
        {"other": 1},
        {"made": "x"},
    ],
)
def test_what_is_of_another_type_or_name_is_refused_by_its_name(values: dict[str, Any]) -> None:
    assert refused(**values) == set(values)


def test_a_form_has_texts_for_all() -> None:
    form = Outer(data=QueryDict("name=5&count=5&public=true&mark=1&box=0&box=1"))
    assert form.is_valid(), form.errors
    assert form.validated_data["count"] == 5 and form.validated_data["box"] == [0.0, 1.0]


def test_a_form_has_no_other_names_either() -> None:
    assert not Outer(data=QueryDict("name=5&made=x")).is_valid()
