"""The jobs app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import personal_data
        from jobs import services

        personal_data.register("jobs", services.export_jobs, services.disown_jobs)
