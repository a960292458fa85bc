"""Errors in one line without secrets: what a library says may repeat a URL with its password."""

import os
import re

from django.conf import settings

LONGEST = 300  # characters of an error
LEAST_SECRET = 4  # characters: a shorter one would be masked within ordinary words
MASK = "***"
_IN_A_URL = re.compile(r"(?<=://)([^\s:/@]*):[^\s/]*@")
_SECRET_NAME = re.compile(r"SECRET|PASSWORD|TOKEN$|_KEY$")


def brief(error: BaseException) -> str:
    """Return the first lines of an error as one, without secrets; its kind where it says nothing."""
    text = str(error).partition("Debug source:")[0]  # obstore repeats itself below
    return masked(" ".join(text.split())[:LONGEST].strip()) or type(error).__name__


def masked(text: str) -> str:
    """Return a text without the passwords of URLs and without any secret of this process."""
    text = _IN_A_URL.sub(rf"\1:{MASK}@", text)
    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _secrets() -> set[str]:
    given = {value for name, value in os.environ.items() if _SECRET_NAME.search(name.upper())}
    for name, value in os.environ.items():
        if name.endswith("_URL"):
            given |= set(re.findall(r"://[^\s:/@]*:([^\s/]*)@", value))
    if settings.configured:
        given |= {getattr(settings, "SECRET_KEY", ""), getattr(settings, "EMAIL_HOST_PASSWORD", "") or ""}
        databases = getattr(settings, "DATABASES", {})
        given |= {str(database.get("PASSWORD") or "") for database in databases.values()}
    return {secret for secret in given if len(secret) >= LEAST_SECRET}
