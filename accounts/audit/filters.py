"""By what the audit trail can be narrowed."""

import django_filters as filters  # type: ignore[import-untyped]
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema_field

from accounts.models import AuditEntry, User

NOBODY_HERE = "The system, or a former member"
TEXT_LENGTH = 200


def people_in_trail(request: HttpRequest | None) -> QuerySet[User]:
    """Return those who did something."""
    return User.objects.filter(audit_entries__isnull=False).distinct()


def known_actions() -> list[tuple[str, str]]:
    """Return the actions that were recorded, as choices."""
    actions = AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct()
    return [(action, action.replace("-", " ")) for action in actions]


class DateInput(forms.DateInput):
    input_type = "date"


class AuditFilter(filters.FilterSet):  # type: ignore[misc]
    """Person, action, text in what was changed, first and last day."""

    who = extend_schema_field({"oneOf": [{"type": "integer"}, {"const": "null"}], "description": NOBODY_HERE})(
        filters.ModelChoiceFilter(label="Who", queryset=people_in_trail, empty_label="Anybody", null_label=NOBODY_HERE)
    )
    action = filters.ChoiceFilter(label="Did", choices=known_actions, empty_label="Anything")
    text = filters.CharFilter(label="To what", method="containing", max_length=TEXT_LENGTH)
    since = filters.DateFilter(label="From", field_name="at", lookup_expr="date__gte", widget=DateInput)
    until = filters.DateFilter(label="To", field_name="at", lookup_expr="date__lte", widget=DateInput)

    class Meta:
        model = AuditEntry
        fields: tuple[str, ...] = ()

    def containing(self, entries: QuerySet[AuditEntry], name: str, text: str) -> QuerySet[AuditEntry]:
        """Look for the text in what was changed and in the name of who did it."""
        return entries.filter(Q(target__icontains=text) | Q(who_name__icontains=text))

    @property
    def found(self) -> QuerySet[AuditEntry]:
        """The entries that were asked for; none when what was asked makes no sense."""
        entries: QuerySet[AuditEntry] = self.qs
        return entries if self.is_valid() else entries.none()
