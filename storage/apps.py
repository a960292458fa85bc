"""The app that keeps the files of a site; it knows no other."""

from django.apps import AppConfig


class StorageConfig(AppConfig):
    name = "storage"

    def ready(self) -> None:
        """Let `manage.py check` tell of a STORAGE_URL that names no storage."""
        from storage import checks  # noqa: F401  (it registers itself)
