"""The WSGI entry point of `manage.py runserver`; for other people, config.asgi takes bodies in first."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
