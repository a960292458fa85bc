"""What a viewset of things has beside its actions: fields that one chooses, and versions that one can hold on to."""

import hashlib
from typing import Any, ClassVar

from django.db import transaction
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.problems import Stale

KEY = r"[0-9]{1,18}"
"""What an address takes for the key of a thing: no more digits than every database holds."""

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class SparseFields(GenericAPIView[Any]):
    """Reading, `?fields=id,name` keeps only those fields of each thing."""

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Return the serializer, without the fields that were not asked for.

        Raises:
            ValidationError: there is no such field.
        """
        serializer: Any = super().get_serializer(*args, **kwargs)
        wanted = self.request.query_params.get("fields")
        if self.request.method not in SAFE_METHODS or wanted is None:
            return serializer
        fields: dict[str, Any] = getattr(serializer, "child", serializer).fields
        names = {name.strip() for name in wanted.split(",")}
        unknown = sorted(names - set(fields))
        if unknown:
            raise ValidationError({"fields": f"there is no field {unknown[0]!r}; known are {', '.join(fields)}"})
        for name in set(fields) - names:
            fields.pop(name)
        return serializer


class VersionedViewSet(SparseFields):
    """Single things have a version: `ETag`, `If-None-Match` to read and `If-Match` to change them.

    What changes a thing under `If-Match` is one transaction that holds its row, so no other change comes between.
    It begins when the whole request has come and is allowed: SQLite has one lock for all who write.
    """

    unversioned: ClassVar[frozenset[str]] = frozenset()
    """Actions on a thing that leave it as it is, whatever they make of it."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """See who it is, and let what depends on a version be one transaction."""
        super().initial(request, *args, **kwargs)
        name = str(request.method).lower()
        if self._compares() and hasattr(self, name):
            _ = request.data
            setattr(self, name, transaction.atomic(getattr(self, name)))

    def _compares(self) -> bool:
        on_a_thing = getattr(self, "detail", False) and getattr(self, "action", "") not in self.unversioned
        return on_a_thing and self.request.method not in SAFE_METHODS and "If-Match" in self.request.headers

    def find(self) -> Any:
        """Return the thing that the address names, among those that the sender may see."""
        return super().get_object()

    def get_object(self) -> Any:
        """Return the thing, if it still is the version that `If-Match` names.

        Raises:
            Stale: it is not.
        """
        thing = self.find()
        if not self._compares():
            return thing
        self.hold(thing)
        thing = self.find()
        if not _names(self.request.headers["If-Match"], _hashed(self._whole(thing))):
            raise Stale()
        return thing

    def hold(self, thing: Any) -> None:
        """Let nobody else change the thing until the transaction ends."""
        type(thing)._base_manager.select_for_update().filter(pk=thing.pk).first()

    def headers_of(self, thing: Any) -> dict[str, str]:
        """Return what else the answer to whoever reads the thing carries."""
        return {}

    def shown(self, thing: Any, code: int = status.HTTP_200_OK, headers: dict[str, str] | None = None) -> Response:
        """Return a thing as it is now, with its version."""
        return self._answer(thing, self._whole(thing), code, headers or {})

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give one thing; 304 if it is the version that `If-None-Match` names."""
        thing = self.get_object()
        whole, headers = self._whole(thing), self.headers_of(thing)
        known = request.headers.get("If-None-Match")
        if known is not None and _names(known, _hashed(whole)):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": _hashed(whole), **headers})
        return self._answer(thing, whole, status.HTTP_200_OK, headers)

    def _whole(self, thing: Any) -> Any:
        return self.get_serializer_class()(thing, context=self.get_serializer_context()).data

    def _answer(self, thing: Any, whole: Any, code: int, headers: dict[str, str]) -> Response:
        body = self.get_serializer(thing).data if "fields" in self.request.query_params else whole
        return Response(body, status=code, headers={"ETag": _hashed(whole), **headers})


def _hashed(whole: Any) -> str:
    """Return the version of a thing: a hash of all that the API shows of it."""
    return f'"{hashlib.sha256(JSONRenderer().render(whole)).hexdigest()[:32]}"'


def _names(header: str, etag: str) -> bool:
    """Say whether a list of versions has this one; `*` is any. A proxy that compresses may have made it weak."""
    return any(part.strip().removeprefix("W/") in ("*", etag) for part in header.split(","))
