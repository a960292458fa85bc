"""The description of the API, made once for all the tests that hold something against it: that takes seconds."""

import json
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

PREFIX = "/api/v1"


@cache
def description() -> dict[str, Any]:
    """Return it as a client reads it."""
    found: dict[str, Any] = json.loads(
        OpenApiJsonRenderer().render(SchemaGenerator().get_schema(request=None, public=True))
    )
    return found
