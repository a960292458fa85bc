"""The Celery app with the tests' kinds of jobs: `celery -A tests.jobs.worker_app worker`."""

import django

from config.celery import app

django.setup()

from tests.jobs.handlers import register_all  # noqa: E402  # the handlers need the models

__all__ = ("app",)

register_all()
