"""Checks of settings that do not work together, for `manage.py check`."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register()
def shared_cache(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warn when several web processes would each count sign-in attempts on their own."""
    in_process = settings.CACHES["default"]["BACKEND"].endswith("LocMemCache")
    if settings.WEB_PROCESSES > 1 and in_process:
        return [
            Warning(
                f"{settings.WEB_PROCESSES} web processes, but the cache lives inside each of them: "
                "rate limits count per process, and cached values may differ between them.",
                hint="Set CACHE_URL to a shared cache (redis://...), or WEB_PROCESSES to 1.",
                id="kindred.W001",
            )
        ]
    return []
