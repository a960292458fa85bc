"""Which rows a form has selected."""

from collections.abc import Sequence

from django import template
from django.forms import BoundField

from retrieval.models import Model

register = template.Library()


def _keys(field: BoundField) -> set[str]:
    return {str(value) for value in field.value() or ()}


@register.filter
def selected_by(models: Sequence[Model], field: BoundField) -> list[Model]:
    """Return the models that the field selects."""
    keys = _keys(field)
    return [model for model in models if str(model.pk) in keys]


@register.filter
def not_selected_by(models: Sequence[Model], field: BoundField) -> list[Model]:
    """Return the models that the field does not select."""
    keys = _keys(field)
    return [model for model in models if str(model.pk) not in keys]


@register.filter
def has_several(rows: Sequence[object]) -> bool:
    """Say whether there is more than one row."""
    return len(rows) > 1
