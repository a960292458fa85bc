"""Settings of an encoder (`manage.py encoder`): those of the site, with the few pages that an encoder has."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "retrieval.encoder_urls"
URL_PREFIX = FORCE_SCRIPT_NAME = None
MIDDLEWARE = [
    "config.api.request_ids.identify_requests",
    "config.health.answer_probes",
    "operations.scraping.answer_scrapes",
    "config.bodies.hosts.guard_hosts",
    "allauth.account.middleware.AccountMiddleware",  # allauth refuses to start without it; it has nothing to do here
]
ENCODER_URL = ""
WEB_THREADS = max(64, WEB_THREADS)  # noqa: F405  (most wait in the queue, and probes need one too)
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 2**20  # of the squares of a request; hosts send them in parts
