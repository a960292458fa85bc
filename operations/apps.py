"""The app for people who run the site; it knows all others."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"
