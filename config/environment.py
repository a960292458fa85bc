"""The environment's variables: read by `config/settings.py` and `config/limits.py`, and nowhere else."""

import os
import re
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("KINDRED_VAR", default=str(BASE_DIR / "var"))).resolve()

MEGABYTE = 2**20
SECRET_LENGTH = 24  # characters, at least, of a secret that whoever runs the site makes up
_CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")


def url_prefix(name: str) -> str:
    """Return the URL prefix of the site, such as `/kindred`; empty for the root of its host."""
    prefix: str = env.str(name, default="").strip("/")
    if not re.fullmatch(r"[A-Za-z0-9._~/-]*", prefix):
        raise ImproperlyConfigured(f"{name} may hold letters, digits and . _ ~ / - only, got {prefix!r}")
    return f"/{prefix}" if prefix else ""


def contact_address(name: str) -> str:
    """Return the e-mail address or the http(s) URL of that environment variable; empty where it is not set."""
    contact: str = env.str(name, default="").strip()
    if contact and not re.fullmatch(r"[^@\s:/?#]+@[^@\s:/?#]+|https?://[^\s\"<>]+", contact):
        raise ImproperlyConfigured(
            f"{name} must be an e-mail address or a URL that begins with https://, got {contact!r}"
        )
    return contact


def service_url(name: str) -> str:
    """Return the http(s) URL of a host and port in that environment variable; empty where it is not set."""
    url: str = env.str(name, default="").strip().rstrip("/")
    if url and not re.fullmatch(r"https?://[^\s/?#@]+", url):
        raise ImproperlyConfigured(f"{name} must be http://host:port or https://host:port, got {url!r}")
    return url


def one_of(name: str, *allowed: str) -> str:
    """Return the value of that environment variable, which must be one of these; the first where it is not set."""
    value: str = env.str(name, default=allowed[0])
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(allowed)}, got {value!r}")
    return value


def long_secret(name: str) -> str:
    """Return the secret of that environment variable, which nobody can guess; empty where it is not set."""
    secret: str = env.str(name, default="")
    if secret and not re.fullmatch(rf"[!-~]{{{SECRET_LENGTH},}}", secret):
        raise ImproperlyConfigured(f"{name} must have at least {SECRET_LENGTH} characters, and only visible ASCII")
    return secret


def positive(name: str, default: float) -> float:
    """Return the number of that environment variable, which must be above 0."""
    value: float = env.float(name, default=default)
    if value <= 0:
        raise ImproperlyConfigured(f"{name} must be above 0, got {value:g}")
    return value


def positive_or_none(name: str) -> float | None:
    """Return the number of that environment variable, which must be above 0; None where it is not set or empty."""
    return positive(name, 0) if env.str(name, default="") else None


def count(name: str, default: int) -> int:
    """Return the whole number of that environment variable, which must be at least 1."""
    value: int = env.int(name, default=default)
    if value < 1:
        raise ImproperlyConfigured(f"{name} must be at least 1, got {value}")
    return value


def megabytes(name: str, default: int) -> int:
    """Return as bytes the megabytes (2**20 bytes) of that environment variable, at least 1."""
    return count(name, default) * MEGABYTE


def machine_megabytes() -> int:
    """Return the megabytes of memory that this machine has, or that its control group may take where that is less."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    allowed = _CONTROL_GROUP.read_text().strip() if _CONTROL_GROUP.is_file() else ""
    return min(installed, int(allowed) if allowed.isdecimal() else installed) // MEGABYTE


def npm_packages(modules: Path) -> list[tuple[str, Path]]:
    """Return the libraries of npm that pages use, each with the name below which its `dist` is served."""
    folders = [modules / "chart.js", *sorted(modules.glob("d3-*"))]
    return [(folder.name.split("-")[0].removesuffix(".js"), folder / "dist") for folder in folders if folder.is_dir()]


LOG_FORMAT = one_of("LOG_FORMAT", "line", "json")  # here: the server's main process reads it, which knows no settings
