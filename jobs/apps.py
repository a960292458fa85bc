"""The jobs app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import personal_data
        from jobs import notices, registry, services

        personal_data.register("jobs", services.export_jobs, services.disown_jobs)
        personal_data.register("notices", notices.export_notices, notices.erase_notices)
        registry.register_end_listener("notices", notices.hear)
        registry.register_sweep("notices", notices.sweep)
