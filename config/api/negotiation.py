"""Files are given as they are, whatever form the sender would like."""

from collections.abc import Sequence
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class FilesAsTheyAre(DefaultContentNegotiation):
    """Never answer 406: a file has one form, and `Accept` cannot change that. Problems stay JSON."""

    def select_renderer(
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type
