"""Jobs in the admin site, read-only: use the job's own page to cancel or retry."""

from django.contrib import admin
from django.http import HttpRequest

from jobs.models import Job


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ("id", "kind", "state", "queue", "attempt", "phase", "owner", "created_at", "finished_at")
    list_filter = ("state", "queue", "kind")
    list_select_related = ("owner",)
    search_fields = ("kind", "message", "error")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        """Allow it for what has finished; a worker holds the others."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.is_active)
