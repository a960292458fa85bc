"""Rate limits: requests per person, per visitor and per IP address."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle, UserRateThrottle


class PersonThrottle(UserRateThrottle):
    """Requests of a signed-in person, from any IP address."""

    scope = "person"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        return super().get_cache_key(request, view) if request.user.is_authenticated else None


class VisitorThrottle(AnonRateThrottle):
    """Requests of visitors, by IP address."""

    scope = "visitor"


class AddressThrottle(SimpleRateThrottle):
    """Requests from an IP address, whoever sends them: many accounts must not raise its limit."""

    scope = "address"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class TryThrottle(AnonRateThrottle):
    """Searches that visitors try on pages, by IP address."""

    scope = "try"
