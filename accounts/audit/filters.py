"""Filters of the audit trail."""

import django_filters as filters  # type: ignore[import-untyped]
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema_field

from accounts.models import AuditEntry, User

NO_ACCOUNT = "The system or a former member"
TEXT_LENGTH = 200


def people_in_trail(request: HttpRequest | None) -> QuerySet[User]:
    """Return the accounts that have an entry."""
    return User.objects.filter(audit_entries__isnull=False).distinct()


def known_actions() -> list[tuple[str, str]]:
    """Return the actions that were recorded, as choices."""
    actions = AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct()
    return [(action, action.replace("-", " ")) for action in actions]


class DateInput(forms.DateInput):
    input_type = "date"


class AuditFilter(filters.FilterSet):  # type: ignore[misc]
    """User, action, text in the object, first and last day."""

    user = extend_schema_field(
        {"oneOf": [{"type": "integer"}, {"const": "null"}], "description": f"null: {NO_ACCOUNT}"}
    )(
        filters.ModelChoiceFilter(
            label="User", field_name="who", queryset=people_in_trail, empty_label="Any", null_label=NO_ACCOUNT
        )
    )
    action = filters.ChoiceFilter(label="Action", choices=known_actions, empty_label="Any")
    text = filters.CharFilter(label="Object", method="containing", max_length=TEXT_LENGTH)
    since = filters.DateFilter(label="From", field_name="at", lookup_expr="date__gte", widget=DateInput)
    until = filters.DateFilter(label="To", field_name="at", lookup_expr="date__lte", widget=DateInput)

    class Meta:
        model = AuditEntry
        fields: tuple[str, ...] = ()

    def containing(self, entries: QuerySet[AuditEntry], name: str, text: str) -> QuerySet[AuditEntry]:
        """Keep entries with the text in the object or in the user's name."""
        return entries.filter(Q(target__icontains=text) | Q(who_name__icontains=text))

    @property
    def entries(self) -> QuerySet[AuditEntry]:
        """The entries that match; none if a filter is invalid."""
        entries: QuerySet[AuditEntry] = self.qs
        return entries if self.is_valid() else entries.none()
