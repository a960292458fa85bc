"""The WSGI entry point of `manage.py runserver`; for other people, config.asgi takes bodies in first."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from config.serving.environ import Environ

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def below(prefix: str, site: Application) -> Application:
    """Return the site as it answers below a path, whether or not the proxy before it has cut that off."""

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == prefix or path.startswith(f"{prefix}/"):
            environ = {**environ, "PATH_INFO": path[len(prefix) :] or "/"}
        return site(environ, start_response)

    return answer


def _application() -> Application:
    from django.conf import settings
    from django.urls import set_script_prefix

    if not settings.URL_PREFIX:
        return get_wsgi_application()
    set_script_prefix(f"{settings.URL_PREFIX}/")  # before storages ask where static files are
    return below(settings.URL_PREFIX, get_wsgi_application())


application = _application()
