"""The check that fails where `STORAGE_URL` names no storage, before anything is stored."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from storage.store import store


@register()
def storage_is_known(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Fail with the reason; whether the storage answers is asked by /readyz."""
    try:
        store()
    except ValueError as error:
        return [Error(str(error), hint="See docs/storage.md.", id="kindred.storage.E001")]
    return []
