"""How many requests are answered: of a person, and of an address, whoever sends them."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle, UserRateThrottle


class PersonThrottle(UserRateThrottle):
    """Of whoever is signed in, from wherever; visitors are counted by their address alone."""

    scope = "person"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        return super().get_cache_key(request, view) if request.user.is_authenticated else None


class VisitorThrottle(AnonRateThrottle):
    """Of visitors, by the address that the request comes from."""

    scope = "visitor"


class AddressThrottle(SimpleRateThrottle):
    """Of an address, whoever sends: many accounts must not make one machine heard more."""

    scope = "address"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}
