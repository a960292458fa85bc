"""The app that keeps the files of a site; it knows no other."""

from django.apps import AppConfig


class StorageConfig(AppConfig):
    name = "storage"
