"""The check that fails where `VECTOR_STORE_URL` names no vector store, before an index is built."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from retrieval.registry.services import vector_store


@register()
def vector_store_is_known(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Fail with the reason; whether the store answers is asked by /readyz."""
    fault = vector_store.fault_of_url()
    return [Error(fault, hint="See docs/vectors.md.", id="kindred.vectors.E001")] if fault else []
