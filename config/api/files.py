"""How an operation of the API gives a file."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


class AnyAcceptNegotiation(DefaultContentNegotiation):
    """A file is of one kind, whatever `Accept` says; only its problems are rendered, as JSON.

    For `content_negotiation_class` of what answers with a file: else `Accept: image/jpeg` would be refused (406).
    """

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:
        """Return the first renderer."""
        first = next(iter(renderers))
        return first, first.media_type
