"""The app that backs the whole site up; it knows all others."""

from django.apps import AppConfig


class BackupsConfig(AppConfig):
    name = "backups"

    def ready(self) -> None:
        """Let `manage.py check` tell of a restore that was cut short."""
        from backups import checks  # noqa: F401  (it registers itself)
