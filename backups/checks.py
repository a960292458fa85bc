"""The check that fails after an interrupted restore, for `manage.py check` and every command that runs it."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from backups.services.site import unfinished_restore


@register()
def no_unfinished_restore(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Fail while the database and the files may be of different times."""
    sentence = unfinished_restore()
    hint = "Database and files may be of different times until then."
    return [Error(sentence, hint=hint, id="kindred.backups.E001")] if sentence else []
