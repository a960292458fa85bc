"""`manage.py worker` with the tests' kinds of jobs: `python -m tests.jobs.worker --queues work --once`."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402  # the command needs the apps

from tests.jobs.handlers import register_all  # noqa: E402  # the handlers need the models

if __name__ == "__main__":
    register_all()
    call_command("worker", *sys.argv[1:])
