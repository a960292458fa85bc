"""Encryption of the secrets of second factors in the database."""

import base64
import logging

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac

logger = logging.getLogger(__name__)


def _cipher() -> MultiFernet:
    """Encrypt with a key made of SECRET_KEY; read with those of SECRET_KEY_FALLBACKS too."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (salted_hmac("kindred.second-factor", "", secret, algorithm="sha256").digest() for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Encrypt the secrets, so that the database alone reveals none."""

    error_messages: dict[str, object] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "Wrong code. Codes change every 30 seconds; enter the one shown now.",
        "unverified_email": "Confirm your e-mail address first; you need it if you lose your phone.",
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret.

        Raises:
            ValidationError: it was encrypted under a SECRET_KEY that this site no longer knows.
        """
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            logger.error("a second factor was encrypted under another SECRET_KEY; add that to SECRET_KEY_FALLBACKS")
            raise ValidationError(
                "This site cannot read your second factor any more. Ask an admin to remove it, then set up a new one."
            ) from None
