"""Django admin of this app. Services hold the rules, so rows that jobs write are read-only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from retrieval.models import (
    Dataset,
    DatasetClass,
    Experiment,
    Image,
    Index,
    Mark,
    Model,
    Ranking,
    Report,
    Run,
    Search,
    Tuning,
    Upload,
)


class Written(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that only services write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # files and other people's ratings depend on these rows


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "revision", "public", "created_at")
    readonly_fields = ("source", "class_names", "fingerprint", "revision", "report", "job", "created_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(DatasetClass)
class DatasetClassAdmin(Written):
    list_display = ("name", "dataset", "label")
    list_filter = ("dataset",)
    search_fields = ("name",)


@admin.register(Model)
class ModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "loss", "dataset", "published", "created_at")
    fields = ("name", "color")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Image)
class ImageAdmin(Written):
    list_display = ("path", "dataset", "label", "split")
    list_filter = ("dataset", "split")
    search_fields = ("path", "sha256")


@admin.register(Index)
class IndexAdmin(Written):
    list_display = ("id", "model", "dataset", "revision", "recall", "count", "active", "created_at")
    list_filter = ("active",)


admin.site.register([Experiment, Run, Tuning, Report, Search, Ranking], Written)


@admin.register(Upload)
class UploadAdmin(Written):
    list_display = ("id", "owner", "files", "bytes", "created_at")


@admin.register(Mark)
class MarkAdmin(Written):
    """Readable, and deletable where somebody cheats."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True
