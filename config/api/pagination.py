"""How API lists are cut into pages: by cursors, which stay right while things come and go."""

from typing import Any

from django.core.exceptions import ValidationError as Unfit
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

USUAL, MOST = 100, 1000
NEWEST_FIRST = ("-created_at", "id")


class CursorPages(CursorPagination):
    """`?limit=&cursor=`: 100 things by default, at most 1,000; in the order `page_order` of the view, newest first."""

    page_size = USUAL
    max_page_size = MOST
    page_size_query_param = "limit"
    page_size_query_description = f"Things on a page, 1 to {MOST:,}."
    cursor_query_description = "Where the page begins: take it from `next` or `previous`."

    def get_page_size(self, request: Request) -> int:
        """Return how many things to show.

        Raises:
            ValidationError: it is no number from 1 to 1,000.
        """
        asked = request.query_params.get("limit", str(USUAL))
        if not (asked.isascii() and asked.isdecimal() and len(asked) < 6 and 1 <= int(asked) <= MOST):
            raise ValidationError({"limit": f"a page holds 1 to {MOST} things, not {asked[:20]!r}"})
        return int(asked)

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        return tuple(getattr(view, "page_order", NEWEST_FIRST))

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Return the page asked for.

        Raises:
            ValidationError: the cursor is none of ours.
        """
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, Unfit, ValueError, OverflowError) as error:
            raise ValidationError({"cursor": "this cursor is not one that a page gave"}) from error

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == "limit":
                parameter["schema"] = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
        return parameters
