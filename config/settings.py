"""Every setting, but those of jobs (`config/long_work.py`) and all limits (`config/limits.py`).

docs/settings.md lists the variables.

Two ways to run: on this machine over http (the default: nothing to set, nothing to install), and
for others over https (KINDRED_HTTPS=true), which then asks for SECRET_KEY and ALLOWED_HOSTS.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.environment import BASE_DIR, VAR_DIR, contact_address, env, long_secret, npm_packages, url_prefix
from config.limits import *  # noqa: F403
from config.limits import JSON_MAX_BYTES
from config.logs import logging_settings
from config.long_work import *  # noqa: F403
from config.places import keep_private_file, keep_private_folder

VAR_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("KINDRED_DEBUG", default=False)
HTTPS = env.bool("KINDRED_HTTPS", default=False)


def kept_secret(path: Path) -> str:
    """Return the secret in `path`, made at the first start; only this user may read it."""
    if not path.exists():
        scratch = path.with_name(f".{path.name}-{os.getpid()}")
        scratch.touch(mode=0o600)
        scratch.write_text(secrets.token_urlsafe(50))
        try:
            path.hardlink_to(scratch)  # fails if another process, started with us, was first
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    return path.read_text()


def required_secret() -> str:
    """Return SECRET_KEY; a site for others must not invent one."""
    key: str = env.str("SECRET_KEY", default="")
    if key:
        return key
    if HTTPS:
        raise ImproperlyConfigured("KINDRED_HTTPS is true, so SECRET_KEY must be set (50 random characters)")
    return kept_secret(VAR_DIR / "secret_key")


SECRET_KEY = required_secret()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])  # earlier ones, until nothing needs them
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXIES = env.int("KINDRED_TRUSTED_PROXIES", default=0)
URL_PREFIX = url_prefix("KINDRED_URL_PREFIX")
FORCE_SCRIPT_NAME = URL_PREFIX or None
WEB_PROCESSES = env.int("WEB_PROCESSES", default=1)
METRICS_TOKEN = long_secret("KINDRED_METRICS_TOKEN")  # who sends it may read /metrics; without one nobody may
CONTACT = contact_address("KINDRED_CONTACT")  # of who runs the site

INSTALLED_APPS = [
    "storage",
    "accounts",
    "jobs",
    "retrieval",
    "ratings",
    "backups",
    "operations",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "knox",
    "rest_framework",
]

MIDDLEWARE = [
    "config.api.request_ids.identify_requests",
    "config.health.answer_probes",
    "operations.scraping.answer_scrapes",
    "config.measuring.measure_requests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.compression.compress",
    "config.caching.keep_private",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.bodies.guard.guard_bodies",  # after whoever sends is known, before anything reads what is sent
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.security.middleware.note_activity",
    "django_htmx.middleware.HtmxMiddleware",
    "config.ended_session.lead_to_sign_in",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context_processors.roles",
                "accounts.context_processors.mail",
                "config.undo.undo",
                "jobs.context_processors.notices",
                "config.theme.theme",
                "config.sections.section",
                "config.contact.contact",
            ],
            "builtins": ["config.template_tags"],
        },
    },
]

# --- database: SQLite here, PostgreSQL by DATABASE_URL

if env.str("DATABASE_URL", default=""):
    DATABASES = {"default": env.db_url("DATABASE_URL")}
else:  # not as a URL, in which some characters of a path mean something else
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(VAR_DIR / "db.sqlite3")}}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    if DATABASES["default"]["NAME"] != ":memory:":
        keep_private_file(Path(DATABASES["default"]["NAME"]))
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,  # seconds a writer waits for another
        "transaction_mode": "IMMEDIATE",  # a read that turns into a write would fail at once, without waiting
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
# A thread keeps its connection: to close the last one of SQLite writes its log back to the disk, after each request.
# `?conn_max_age=` of the URL is seconds too. A server that was started again is noticed before a query fails.
DATABASES["default"] = {"CONN_MAX_AGE": 600, **DATABASES["default"], "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- cache, files, mail

CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://kindred")}
if CACHES["default"]["BACKEND"].endswith(".RedisCache"):  # which waits for ever without them
    patience = {"socket_connect_timeout": 2, "socket_timeout": 5}  # seconds
    CACHES["default"]["OPTIONS"] = patience | CACHES["default"].get("OPTIONS", {})

MEDIA_ROOT = keep_private_folder(VAR_DIR / "media")
STATIC_ROOT = Path(env.str("KINDRED_STATIC", default=str(VAR_DIR / "static")))
STATIC_ROOT.mkdir(exist_ok=True)
STATIC_URL = "static/"  # below the prefix of the site
STATICFILES_DIRS = [BASE_DIR / "static", *npm_packages(BASE_DIR / "node_modules")]
# `collectstatic` is a step of a deployment; on one's own machine files are served where they lie.
COLLECTED_STATIC = env.bool("KINDRED_COLLECTED_STATIC", default=HTTPS)
WHITENOISE_USE_FINDERS = not COLLECTED_STATIC
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "config.static_files.CollectedStorage"
        if COLLECTED_STATIC
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = JSON_MAX_BYTES  # of a request without its files
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
DATA_UPLOAD_MAX_NUMBER_FILES = 100
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20  # larger files go to a temporary file, not to memory

EMAIL_FILE_PATH = keep_private_folder(VAR_DIR / "mail")  # where mail lands until EMAIL_URL names a server
if env.str("EMAIL_URL", default=""):
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Kindred <kindred@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- accounts

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "accounts.security.validators.NewPassword"}]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "search"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignupFields"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = env.str("KINDRED_EMAIL_VERIFICATION", default="mandatory" if HTTPS else "optional")
if ACCOUNT_EMAIL_VERIFICATION not in ("mandatory", "optional", "none"):
    raise ImproperlyConfigured(
        f"KINDRED_EMAIL_VERIFICATION must be mandatory, optional or none, got {ACCOUNT_EMAIL_VERIFICATION!r}"
    )
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Kindred: "
ACCOUNT_EMAIL_NOTIFICATIONS = True  # of a changed password, address or second factor
ACCOUNT_FORMS = {
    "login": "accounts.security.forms.SignInForm",
    "signup": "accounts.security.forms.SignUpForm",
    "add_email": "accounts.security.forms.AddAddressForm",
    "reset_password": "accounts.security.forms.ForgottenPasswordForm",
    "reset_password_from_key": "accounts.security.forms.ChosenPasswordForm",
}
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
MFA_ADAPTER = "accounts.security.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Kindred"
MFA_TOTP_TOLERANCE = 1  # codes of the half minute before and after pass too: clocks differ
REQUIRE_2FA = env.str("KINDRED_REQUIRE_2FA", default="none")
if REQUIRE_2FA not in ("none", "admins", "curators"):
    raise ImproperlyConfigured(f"KINDRED_REQUIRE_2FA must be none, admins or curators, got {REQUIRE_2FA!r}")
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105  # the name of a model
MIGRATION_MODULES = {"knox": None}  # they would make a table of its own tokens, which nobody uses, beside ours
REST_KNOX = {
    "TOKEN_PREFIX": "kin_",  # so that a leaked one is recognised
    "TOKEN_TTL": timedelta(days=90),
    "AUTH_HEADER_PREFIX": "Token",
}

# --- the API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["config.api.parsers.JSONParser"],  # forms where there are files
    "DEFAULT_RENDERER_CLASSES": ["config.api.renderers.DocumentRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["config.api.filters.StrictFilters"],
    "DEFAULT_PAGINATION_CLASS": "config.api.pagination.CursorPages",
    "DEFAULT_SCHEMA_CLASS": "config.api.schema.KindredSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "config.api.throttles.PersonThrottle",
        "config.api.throttles.VisitorThrottle",
        "config.api.throttles.AddressThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"person": "1200/min", "visitor": "120/min", "address": "3000/min", "try": "60/min"},
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "config.api.problems.ProblemHandler",
    "EXCEPTION_FORMATTER_CLASS": "config.api.problems.ProblemFormatter",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Kindred",
    "DESCRIPTION": "Which metric-learning loss finds the pictures that people mean?",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "SplitEnum": "retrieval.models.Image.Split",
        "NewClassSplitEnum": "retrieval.datasets.services.classes.SPLITS",
        "StateEnum": "jobs.models.Job.State",
        "HeadlineStateEnum": "retrieval.search.services.headlines.STATES",
    },
    "COMPONENT_NO_READ_ONLY_REQUIRED": True,  # `fields=` may leave any out
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.api.schema.describe_problems",
        "config.api.schema.let_anything_be_null",
    ],
}

# --- pictures, data sets, searches

CACHE_DIR = keep_private_folder(VAR_DIR / "cache")  # decoded pictures and features; can be made again
WEIGHTS_DIR = VAR_DIR / "weights"  # pre-trained weights that experiments may start from
# Folders below which curators may import by server path.
IMPORT_ROOTS = [Path(root) for root in env.list("KINDRED_IMPORT_ROOTS", default=[str(VAR_DIR / "imports")])]
FETCH = env.bool("KINDRED_FETCH", default=True)  # pictures of public hosts (search/services/url_fetch.py)
WARM_UP = env.bool("KINDRED_WARM_UP", default=True)  # of web processes: see search/services/warm_up.py

# --- security

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
# Both bind the operator's other hosts, for a year: they are chosen, and Django need not ask for them.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("KINDRED_HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("KINDRED_HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if HTTPS and TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{URL_PREFIX}/"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS

# --- language, time, logs

LANGUAGE_CODE = "en"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
LOGGING = logging_settings(env.str("LOG_LEVEL", default="INFO"))
LOGGING_CONFIG = "config.logs.configure"
