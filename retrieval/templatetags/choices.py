"""Which rows a form has selected."""

from collections.abc import Iterable

from django import template
from django.forms import BoundField

from retrieval.models import Model

register = template.Library()


def _keys(field: BoundField) -> set[str]:
    return {str(value) for value in field.value() or ()}


@register.filter
def selected_first(models: Iterable[Model], field: BoundField) -> list[tuple[Model, bool]]:
    """Return each model and whether the field selects it, the selected ones first."""
    keys = _keys(field)
    return sorted(((model, str(model.pk) in keys) for model in models), key=lambda row: not row[1])


@register.filter
def count_selected(rows: Iterable[tuple[Model, bool]]) -> int:
    """Return how many of such rows are selected."""
    return sum(selected for _, selected in rows)


@register.filter
def count_others(rows: Iterable[tuple[Model, bool]]) -> int:
    """Return how many of such rows are not selected."""
    return sum(not selected for _, selected in rows)
