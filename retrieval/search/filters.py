"""Filters of one's own searches."""

import django_filters as filters  # type: ignore[import-untyped]
from django.db.models import QuerySet

from config.api.filter_fields import TrueOrFalse
from retrieval.models import Search
from retrieval.search.services.history import SAVED


class SearchFilter(filters.FilterSet):  # type: ignore[misc]
    """Whether a search is saved, and which search it refines."""

    saved = TrueOrFalse(method="with_name", label="true: saved searches; false: the others.")
    root = filters.UUIDFilter(field_name="root_id", label="Refinements of this search.")

    class Meta:
        model = Search
        fields: tuple[str, ...] = ()

    def with_name(self, searches: QuerySet[Search], name: str, saved: bool) -> QuerySet[Search]:
        """Return the saved searches, or the others."""
        return searches.filter(SAVED if saved else ~SAVED)
