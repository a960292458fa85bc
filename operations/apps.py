"""The app for people who run the site; it knows all others."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep account of the site's processes."""
        from celery.signals import beat_init

        from config.processes import started
        from jobs import registry
        from operations.services import processes

        started.connect(processes.begin, dispatch_uid="presence")
        beat_init.connect(processes.begin_beat, weak=False)
        registry.register_sweep("processes", processes.sweep)
