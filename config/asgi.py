"""The entry point of the web processes: `granian --interface asginl config.asgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_wsgi_application()  # sets Django up, which what follows stands on

from config.serving.site import Site  # noqa: E402

application = Site(django)
