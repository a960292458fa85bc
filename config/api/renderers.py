"""JSON documents that are rendered once, for their version and for the response."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from rest_framework.renderers import JSONRenderer


class Document(dict[str, Any]):
    """The fields of one object as a response shows them."""

    @cached_property
    def rendered(self) -> bytes:
        """The JSON, compact."""
        rendered: bytes = JSONRenderer().render(dict(self))
        return rendered

    @cached_property
    def etag(self) -> str:
        """The version of the object: a hash of all its fields."""
        return f'"{hashlib.sha256(self.rendered).hexdigest()[:32]}"'


class DocumentRenderer(JSONRenderer):
    """Render JSON; a document that was rendered already is sent as it is, unless the client wants it indented."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the bytes."""
        context = dict(renderer_context or {})
        if isinstance(data, Document) and self.get_indent(accepted_media_type or "", context) is None:
            return data.rendered
        return super().render(data, accepted_media_type, context)
