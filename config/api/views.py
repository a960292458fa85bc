"""Viewset mixins: `?fields=` and ETag / If-Match; content negotiation of files."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import transaction
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.problems import Stale
from config.api.renderers import Document

KEY = r"[0-9]{1,18}"
"""URL pattern of an id: no more digits than every database stores."""

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class AnyAcceptNegotiation(DefaultContentNegotiation):
    """`content_negotiation_class` of actions that return a file: ignore `Accept`, which would refuse `image/jpeg`."""

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:
        """Return the first renderer, for problem documents."""
        first = next(iter(renderers))
        return first, first.media_type


class SparseFields(GenericAPIView[Any]):
    """`?fields=id,name` of GET keeps only those fields of each object."""

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Return the serializer with the requested fields alone.

        Raises:
            ValidationError: a field does not exist.
        """
        serializer: Any = super().get_serializer(*args, **kwargs)
        wanted = self.request.query_params.get("fields")
        if self.request.method not in SAFE_METHODS or wanted is None:
            return serializer
        fields: dict[str, object] = getattr(serializer, "child", serializer).fields
        names = {name.strip() for name in wanted.split(",")}
        unknown = sorted(names - set(fields))
        if unknown:
            raise ValidationError({"fields": f"there is no field {unknown[0]!r}; known are {', '.join(fields)}"})
        for name in set(fields) - names:
            fields.pop(name)
        return serializer


class VersionedViewSet(SparseFields):
    """Single objects have a version: `ETag`, with `If-None-Match` to read and `If-Match` to change them.

    A change under `If-Match` is one transaction that locks the row, so no other change comes between. It begins
    after the whole request has arrived and was authorised, because SQLite has one lock for all writers.
    """

    unversioned: ClassVar[frozenset[str]] = frozenset()
    """Actions on an object that do not change it."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authorise the request, and make a change under `If-Match` one transaction."""
        super().initial(request, *args, **kwargs)
        name = str(request.method).lower()
        if self._compares() and hasattr(self, name):
            _ = request.data
            setattr(self, name, transaction.atomic(getattr(self, name)))

    def _compares(self) -> bool:
        on_a_thing = getattr(self, "detail", False) and getattr(self, "action", "") not in self.unversioned
        return on_a_thing and self.request.method not in SAFE_METHODS and "If-Match" in self.request.headers

    def find(self) -> Any:
        """Return the object of the URL, among those that the sender may see."""
        return super().get_object()

    def get_object(self) -> Any:
        """Return the object, if it has the version of `If-Match`.

        Raises:
            Stale: it has another version.
        """
        thing = self.find()
        if not self._compares():
            return thing
        self.hold(thing)
        thing = self.find()
        if not _names(self.request.headers["If-Match"], self._whole(thing).etag):
            raise Stale()
        return thing

    def hold(self, thing: Any) -> None:
        """Lock the object until the transaction ends."""
        type(thing)._base_manager.select_for_update().filter(pk=thing.pk).first()

    def headers_of(self, thing: Any) -> dict[str, str]:
        """Return further headers of responses with the object."""
        return {}

    def shown(self, thing: Any, code: int = status.HTTP_200_OK, headers: dict[str, str] | None = None) -> Response:
        """Return a response with the object and its version."""
        return self._answer(thing, self._whole(thing), code, headers or {})

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one object; 304 if it has the version of `If-None-Match`."""
        thing = self.get_object()
        whole, headers = self._whole(thing), self.headers_of(thing)
        etags = request.headers.get("If-None-Match")
        if etags is not None and _names(etags, whole.etag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": whole.etag, **headers})
        return self._answer(thing, whole, status.HTTP_200_OK, headers)

    def _whole(self, thing: Any) -> Document:
        return Document(self.get_serializer_class()(thing, context=self.get_serializer_context()).data)

    def _answer(self, thing: Any, whole: Document, code: int, headers: dict[str, str]) -> Response:
        body = self.get_serializer(thing).data if "fields" in self.request.query_params else whole
        return Response(body, status=code, headers={"ETag": whole.etag, **headers})


def _names(header: str, etag: str) -> bool:
    """Say whether a list of versions has this one; `*` matches any. A compressing proxy may have made it weak."""
    return any(part.strip().removeprefix("W/") in ("*", etag) for part in header.split(","))
