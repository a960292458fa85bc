"""The SECRET_KEY that the site made for itself. Second factors are encrypted under it, so a backup holds it.

One that the environment gives is the operator's to keep; a backup only knows its fingerprint.
"""

from pathlib import Path

from django.conf import settings
from django.utils.crypto import salted_hmac

from backups.services.files import write_synced
from config import places


def kept_secret() -> Path | None:
    """Return the file of the secret that this site uses; None where the environment gives another."""
    place = places.var() / "secret_key"
    return place if place.is_file() and place.read_text() == settings.SECRET_KEY else None


def fingerprint(secret: str) -> str:
    """Return what tells two secrets apart and gives neither away."""
    return salted_hmac("kindred.backup", "", secret, algorithm="sha256").hexdigest()


def put_back(secret: bytes | None) -> None:
    """Take over the secret of a backup, unless the environment gives this site its own."""
    place = kept_secret()
    if secret is not None and place is not None:
        write_synced(place, secret)


def warning_of(wanted: str, secret: bytes | None, backup: Path) -> str:
    """Return a sentence where this site could not read the second factors of a backup; else nothing."""
    if secret is not None and kept_secret() is not None:
        return ""
    if wanted in map(fingerprint, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]):
        return ""
    where = f"it is in {backup / 'secret_key'}" if secret is not None else "it is not in the backup"
    return (
        "the second factors were encrypted under another SECRET_KEY: put that into SECRET_KEY_FALLBACKS "
        f"({where}), or everybody has to set up their factor again"
    )
