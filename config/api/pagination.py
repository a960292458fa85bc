"""Pages of API lists by cursor, which stay right while rows are added and removed."""

from typing import Any

from django.core.exceptions import ValidationError as Unfit
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

USUAL, MOST = 100, 1000
NEWEST_FIRST = ("-created_at", "id")


class CursorPages(CursorPagination):
    """`?limit=&cursor=`: 100 rows by default, at most 1,000, in the view's `page_order` (default newest first)."""

    page_size = USUAL
    max_page_size = MOST
    page_size_query_param = "limit"
    page_size_query_description = f"Rows per page, 1 to {MOST:,} (default {USUAL})."
    cursor_query_description = "Start of the page, from `next` or `previous` of another page."

    def get_page_size(self, request: Request) -> int:
        """Return the number of rows per page.

        Raises:
            ValidationError: it is no number from 1 to 1,000.
        """
        limit = request.query_params.get("limit", str(USUAL))
        if not (limit.isascii() and limit.isdecimal() and len(limit) < 6 and 1 <= int(limit) <= MOST):
            raise ValidationError({"limit": f"limit must be 1 to {MOST}, not {limit[:20]!r}"})
        return int(limit)

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        return tuple(getattr(view, "page_order", NEWEST_FIRST))

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Return the requested page.

        Raises:
            ValidationError: the cursor is invalid.
        """
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, Unfit, ValueError, OverflowError) as error:
            raise ValidationError({"cursor": "invalid cursor; take it from `next` or `previous` of a page"}) from error

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, object]]:
        parameters: list[dict[str, object]] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == "limit":
                parameter["schema"] = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
        return parameters
